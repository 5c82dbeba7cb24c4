//! W3C trace context: which trace a message belongs to.

use serde::{Deserialize, Serialize};

/// The longest `tracestate` that is kept, in bytes.
const LONGEST_STATE: usize = 512;
/// The most members of a `tracestate`.
const MOST_MEMBERS: usize = 32;

/// Where a message stands in a distributed trace, as its sender said in the headers of the send.
///
/// Source: <https://www.w3.org/TR/trace-context/>.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TraceContext {
    /// `00-<32 hex>-<16 hex>-<2 hex>`.
    pub traceparent: String,
    /// What tracing systems add, if they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracestate: Option<String>,
}

impl TraceContext {
    /// Reads the two headers. What is not valid is as good as not sent, a state without a parent too.
    pub fn read(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let traceparent = traceparent.trim();
        is_parent(traceparent).then(|| Self {
            traceparent: traceparent.to_owned(),
            tracestate: tracestate.map(str::trim).filter(|state| is_state(state)).map(str::to_owned),
        })
    }

    /// One text for both, for a store.
    pub fn to_stored(&self) -> String {
        match &self.tracestate {
            Some(state) => format!("{}\n{state}", self.traceparent),
            None => self.traceparent.clone(),
        }
    }

    /// The opposite of [`TraceContext::to_stored`].
    pub fn from_stored(text: &str) -> Self {
        match text.split_once('\n') {
            Some((parent, state)) => Self { traceparent: parent.to_owned(), tracestate: Some(state.to_owned()) },
            None => Self { traceparent: text.to_owned(), tracestate: None },
        }
    }
}

/// Later versions may be longer and begin as version 00 does.
fn is_parent(text: &str) -> bool {
    let mut parts = text.splitn(5, '-');
    let (Some(version), Some(trace), Some(span), Some(flags)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let rest = parts.next();
    is_hex(version, 2)
        && version != "ff"
        && is_hex(trace, 32)
        && is_hex(span, 16)
        && is_hex(flags, 2)
        && [trace, span].iter().all(|id| id.bytes().any(|digit| digit != b'0'))
        && (rest.is_none() || version != "00")
        && text.len() <= LONGEST_STATE
        && rest.is_none_or(|rest| rest.bytes().all(|byte| byte.is_ascii_graphic()))
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_state(text: &str) -> bool {
    let members: Vec<&str> = text.split(',').map(str::trim).filter(|member| !member.is_empty()).collect();
    !members.is_empty()
        && text.len() <= LONGEST_STATE
        && members.len() <= MOST_MEMBERS
        && members.into_iter().all(is_member)
}

fn is_member(member: &str) -> bool {
    let Some((key, value)) = member.split_once('=') else { return false };
    let key_fits = key.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@'));
    let value_fits = value.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'=');
    (1..=256).contains(&key.len()) && key_fits && (1..=256).contains(&value.len()) && value_fits
}

#[cfg(test)]
mod tests {
    use super::TraceContext;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_is_valid_is_kept_as_it_is() {
        let trace = TraceContext::read(PARENT, Some("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")).expect("valid");
        assert_eq!(trace.traceparent, PARENT);
        assert_eq!(trace.tracestate.as_deref(), Some("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"));
        assert_eq!(TraceContext::from_stored(&trace.to_stored()), trace);
        let alone = TraceContext::read(PARENT, None).expect("valid");
        assert_eq!(TraceContext::from_stored(&alone.to_stored()), alone);
        let later = format!("01{}-more", &PARENT[2..]);
        assert_eq!(TraceContext::read(&later, None).map(|trace| trace.traceparent), Some(later));
    }

    #[test]
    fn what_is_not_is_dropped() {
        for parent in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceContext::read(parent, None), None, "{parent}");
        }
        for state in
            ["", "novalue", "UPPER=x", "a=", "a=b\u{e4}", &"k=v,".repeat(33), &format!("k={}", "v".repeat(600))]
        {
            let trace = TraceContext::read(PARENT, Some(state)).expect("the parent is valid");
            assert_eq!(trace.tracestate, None, "{state}");
        }
    }
}

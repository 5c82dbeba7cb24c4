//! Why a command failed: what is printed, what may help, and the exit code.

use std::fmt;

use agentchat::ErrorKind;

/// The kind decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Anything else.
    Failed,
    /// The command was typed wrongly.
    Usage,
    /// There is no key.
    NotSignedIn,
    /// The server refused.
    Rejected,
    /// The server did not answer.
    Unreachable,
}

/// A failure, printed as `error: CODE: message` and `hint: …`.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    pub(crate) code: Option<String>,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    pub(crate) details: Option<Box<serde_json::Value>>,
}

impl Failure {
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, code: None, message: message.into(), hint: None, details: None }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    pub(crate) fn not_signed_in(message: impl Into<String>) -> Self {
        Self::new(Kind::NotSignedIn, message)
            .hint("`agentchat register` makes an account, `agentchat login` brings a key")
    }

    /// Ends the program without a word: the reader of the output went away.
    fn silent() -> Self {
        Self::failed("")
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::NotSignedIn => 3,
            Kind::Rejected => 4,
            Kind::Unreachable => 5,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(out, "{code}: {}", self.message),
            None => out.write_str(&self.message),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::silent(),
            _ => Self::failed(error.to_string()),
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<agentchat::Error> for Failure {
    fn from(error: agentchat::Error) -> Self {
        let kind = kind_of(&error);
        Self {
            kind,
            code: error.code().filter(|_| kind == Kind::Rejected).map(str::to_owned),
            message: error.message().to_owned(),
            hint: hint_for(&error, kind),
            details: error.details().and_then(|details| details.to_value().ok()).map(Box::new),
        }
    }
}

fn kind_of(error: &agentchat::Error) -> Kind {
    match error.kind() {
        ErrorKind::InvalidInput => Kind::Usage,
        ErrorKind::Timeout | ErrorKind::Connect | ErrorKind::Tls | ErrorKind::Reset => Kind::Unreachable,
        ErrorKind::WebSocket => Kind::Unreachable,
        _ if error.is_api() => Kind::Rejected,
        _ => Kind::Failed,
    }
}

fn hint_for(error: &agentchat::Error, kind: Kind) -> Option<String> {
    if kind == Kind::Unreachable {
        return Some("is the server running? --api-base URL says where, `agentchat doctor` looks closer".into());
    }
    if let Some(wait) = error.retry_after() {
        return Some(format!("try again in {} s", wait.as_secs_f64().ceil()));
    }
    let fields = error.field_errors();
    if !fields.is_empty() {
        let lines = fields.iter().map(|(field, texts)| format!("{field}: {}", texts.join(", ")));
        return Some(lines.collect::<Vec<_>>().join("; "));
    }
    error.code().and_then(hint_for_code).map(str::to_owned)
}

fn hint_for_code(code: &str) -> Option<&'static str> {
    Some(match code {
        "UNAUTHORIZED" => "the key is not valid (any more): `agentchat login` or `agentchat recover`",
        "AWAITING_REPLY" => "they did not answer yet; only their reply opens the conversation",
        "AGENT_NOT_FOUND" => "check the spelling of the handle",
        "HANDLE_TAKEN" => "choose another handle",
        "INVALID_HANDLE" => "3 to 30 of a-z, 0-9 and single hyphens, beginning with a letter",
        "EXPIRED" => "the code is too old or was used: start again",
        "INVALID_CODE" => "look at the newest mail and try again",
        "OTP_ATTEMPTS_EXHAUSTED" => "start again to get a new code",
        "HANDLE_REQUIRED" => "this e-mail has several agents: start again with --handle",
        "IDEMPOTENCY_KEY_CONFLICT" => "this --client-msg-id was used for another message",
        "OPS_AUTH_REQUIRED" => "give the server's token: --admin-token or AGENTCHAT_ADMIN_TOKEN",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_exit_code() {
        let kinds = [Kind::Failed, Kind::Usage, Kind::NotSignedIn, Kind::Rejected, Kind::Unreachable];
        let codes = kinds.map(|kind| Failure::new(kind, "").exit_code());
        assert_eq!(codes, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn the_code_comes_first() {
        let failure = Failure { code: Some("BLOCKED".into()), ..Failure::failed("you are blocked") };
        assert_eq!(failure.to_string(), "BLOCKED: you are blocked");
    }
}

//! What a client said it can do.

use super::session::OwnMessages;

/// The accepted capabilities of a socket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Capabilities {
    /// Deliveries stay stored until the client acks them.
    pub(super) ack: bool,
    echo: bool,
    no_echo: bool,
    /// No sync-led start.
    pub(super) drain_now: bool,
}

impl Capabilities {
    /// The known ones of what was offered.
    pub(super) fn accept<'a>(offered: impl IntoIterator<Item = &'a str>) -> Self {
        let mut accepted = Self::default();
        for name in offered {
            match name.trim() {
                "ack" => accepted.ack = true,
                "echo" => accepted.echo = true,
                "no_echo" => accepted.no_echo = true,
                "drain_now" => accepted.drain_now = true,
                _ => {}
            }
        }
        accepted
    }

    /// Their names, for `hello.ok`.
    pub(super) fn names(self) -> Vec<String> {
        let all = [(self.ack, "ack"), (self.echo, "echo"), (self.no_echo, "no_echo"), (self.drain_now, "drain_now")];
        all.into_iter().filter(|(accepted, _)| *accepted).map(|(_, name)| name.to_owned()).collect()
    }

    /// Which of its own messages the socket gets; `said_hello` unless it authenticated by header.
    pub(super) fn own_messages(self, said_hello: bool) -> OwnMessages {
        match self {
            Self { no_echo: true, .. } => OwnMessages::Never,
            Self { echo: true, .. } => OwnMessages::Echo,
            Self { ack: true, .. } if said_hello => OwnMessages::JustInTime,
            _ => OwnMessages::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_capabilities_are_left_out() {
        let accepted = Capabilities::accept(["telepathy", " ack", "drain_now", "ack"]);
        assert_eq!(accepted.names(), ["ack", "drain_now"]);
        assert_eq!(Capabilities::accept([]).names(), [""; 0]);
    }

    #[test]
    fn own_messages_come_just_in_time_to_sdk_sockets_only() {
        let own = |names: &[&str], hello| Capabilities::accept(names.iter().copied()).own_messages(hello);
        assert_eq!(own(&["ack"], true), OwnMessages::JustInTime);
        assert_eq!(own(&["ack"], false), OwnMessages::Never);
        assert_eq!(own(&[], true), OwnMessages::Never);
        assert_eq!(own(&["ack", "no_echo"], true), OwnMessages::Never);
        assert_eq!(own(&["echo"], false), OwnMessages::Echo);
    }
}

//! How subjects are spelled in NATS: `agentchat.<installation>.agent.<key>`, `….owner.<key>`, `….all`.

use std::sync::Arc;

use crate::{BusError, Subject};

/// The subjects of one installation. All begin alike, so that a NATS account can be limited to `agentchat.<name>.>`.
#[derive(Debug, Clone)]
pub(super) struct Names {
    prefix: Arc<str>,
}

impl Names {
    pub(super) fn new(installation: &str) -> Result<Names, BusError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(1..=64).contains(&installation.len()) || !installation.bytes().all(plain) {
            return Err(BusError::Installation(installation.into()));
        }
        Ok(Names { prefix: format!("agentchat.{installation}.").into() })
    }

    pub(super) fn spell(&self, subject: Subject) -> String {
        let prefix = &self.prefix;
        match subject {
            Subject::Agent(key) => format!("{prefix}agent.{key}"),
            Subject::Owner(key) => format!("{prefix}owner.{key}"),
            Subject::All => format!("{prefix}all"),
        }
    }

    pub(super) fn parse(&self, name: &str) -> Option<Subject> {
        match name.strip_prefix(&*self.prefix)?.split_once('.') {
            Some(("agent", key)) => key.parse().ok().map(Subject::Agent),
            Some(("owner", key)) => key.parse().ok().map(Subject::Owner),
            Some(_) => None,
            None => name.ends_with(".all").then_some(Subject::All),
        }
    }

    /// Matches every agent and every owner, neither [`Subject::All`] nor [`Names::replies`].
    pub(super) fn everybody(&self) -> String {
        format!("{}*.*", self.prefix)
    }

    /// Where nobody listens.
    pub(super) fn nobody(&self) -> String {
        format!("{}nobody", self.prefix)
    }

    pub(super) fn replies(&self) -> String {
        format!("{}reply", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spelled_is_parsed() {
        let names = Names::new("blue-2").unwrap();
        assert_eq!(names.spell(Subject::Agent(7)), "agentchat.blue-2.agent.7");
        assert_eq!(names.spell(Subject::Owner(i64::MAX)), "agentchat.blue-2.owner.9223372036854775807");
        assert_eq!(names.spell(Subject::All), "agentchat.blue-2.all");
        for subject in [Subject::Agent(7), Subject::Owner(i64::MAX), Subject::All] {
            assert_eq!(names.parse(&names.spell(subject)), Some(subject));
        }
    }

    #[test]
    fn other_names_are_nothing() {
        let names = Names::new("blue").unwrap();
        for name in
            ["agentchat.red.agent.7", "agentchat.blue.agent.x", "agentchat.blue.reply.1", "agentchat.blue.nobody"]
        {
            assert_eq!(names.parse(name), None, "{name}");
        }
    }

    #[test]
    fn an_installation_is_one_token() {
        for name in ["", "a.b", "a b", "*", ">", "ü", &"a".repeat(65)] {
            assert!(matches!(Names::new(name), Err(BusError::Installation(_))), "{name}");
        }
    }
}

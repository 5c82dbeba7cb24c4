//! Mail into a folder, for development and tests.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use lettre::Address;
use lettre::message::Mailbox;

use super::{Mail, MailError, smtp};
use crate::clock::Clock;

/// A folder that gets one `.eml` a mail, named so that names sort by time:
/// `1768469400000-000001-ops@example.com.eml`.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    clock: Clock,
    written: AtomicU64,
    from: Mailbox,
}

impl Folder {
    pub(super) fn open(path: PathBuf, clock: Clock) -> Result<Self, MailError> {
        std::fs::create_dir_all(&path).map_err(|source| MailError::Folder { folder: path.clone(), source })?;
        let address = Address::new("agentchat", "localhost").map_err(|error| MailError::Message(error.to_string()))?;
        let from = Mailbox::new(Some("AgentChat".to_owned()), address);
        Ok(Self { path, clock, written: AtomicU64::new(0), from })
    }

    /// Written under another name first: who sees an `.eml` sees all of it.
    pub(super) async fn deliver(&self, mail: &Mail) -> Result<(), MailError> {
        let bytes = smtp::message(&self.from, mail)?.formatted();
        let name = self.next_name(&mail.to);
        let (unfinished, finished) = (self.path.join(format!(".{name}.part")), self.path.join(format!("{name}.eml")));
        let failed = |source| MailError::Folder { folder: self.path.clone(), source };
        tokio::fs::write(&unfinished, bytes).await.map_err(failed)?;
        tokio::fs::rename(&unfinished, &finished).await.map_err(failed)
    }

    fn next_name(&self, to: &str) -> String {
        let number = self.written.fetch_add(1, Ordering::Relaxed) + 1;
        let safe: String = to.chars().map(|c| if is_safe(c) { c } else { '_' }).take(100).collect();
        format!("{:013}-{number:06}-{safe}", self.clock.now().as_millis())
    }
}

fn is_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || "@.-+_".contains(c)
}

#[cfg(test)]
mod tests {
    use agentchat_protocol::timestamp::Timestamp;

    use super::*;

    #[tokio::test]
    async fn a_mail_is_one_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_millis(1_768_469_400_000));
        let mails = Folder::open(folder.path().join("mail"), clock).unwrap();
        let mail = Mail {
            to: "ops+a@example.com".into(),
            subject: "Your AgentChat code".into(),
            text: "Your code is 493027".into(),
        };
        mails.deliver(&mail).await.unwrap();
        mails.deliver(&mail).await.unwrap();
        let mut names: Vec<_> = std::fs::read_dir(folder.path().join("mail"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(
            names,
            ["1768469400000-000001-ops+a@example.com.eml", "1768469400000-000002-ops+a@example.com.eml",]
        );
        let text = std::fs::read_to_string(folder.path().join("mail").join(&names[0])).unwrap();
        assert!(text.contains("To: ops+a@example.com\r\n"), "{text}");
        assert!(text.contains("Subject: Your AgentChat code\r\n"), "{text}");
        assert!(text.contains("Your code is 493027"), "{text}");
    }

    #[tokio::test]
    async fn a_folder_that_is_gone_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mail");
        let mails = Folder::open(path.clone(), Clock::system()).unwrap();
        std::fs::remove_dir_all(&path).unwrap();
        let mail = Mail { to: "a@example.com".into(), subject: "s".into(), text: "t".into() };
        assert!(matches!(mails.deliver(&mail).await, Err(MailError::Folder { .. })));
    }
}

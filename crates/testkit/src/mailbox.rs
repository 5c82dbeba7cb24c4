//! The folder into which a server puts its mails.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a mail may take; only a broken server takes that long.
const LIMIT: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Hands every mail out once. Clones share what was handed out.
#[derive(Clone, Debug)]
pub struct Mailbox {
    folder: PathBuf,
    taken: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Mailbox {
    /// The mailbox of a server that was started with `--mail file:FOLDER`.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), taken: Arc::default() }
    }

    /// The code in the next mail to `address`, waiting until there is one.
    ///
    /// # Panics
    ///
    /// When none comes within ten seconds, or the mail holds no code.
    pub async fn next_code(&self, address: &str) -> String {
        let mail = self.next_mail(address).await;
        code(&mail).unwrap_or_else(|| panic!("no code in the mail to {address}:\n{mail}"))
    }

    /// The next mail to `address` as it was written, waiting until there is one.
    ///
    /// # Panics
    ///
    /// When none comes within ten seconds.
    pub async fn next_mail(&self, address: &str) -> String {
        let arrival = async {
            loop {
                if let Some(mail) = self.take(address) {
                    return mail;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let waited = tokio::time::timeout(LIMIT, arrival).await;
        waited.unwrap_or_else(|_| panic!("no mail to {address} in {}", self.folder.display()))
    }

    /// How many mails were written so far, to anybody.
    #[must_use]
    pub fn count(&self) -> usize {
        self.mails().len()
    }

    fn take(&self, address: &str) -> Option<String> {
        let mut taken = self.taken.lock().expect("no panic while mails are taken");
        let to = format!("to: {}", address.to_lowercase());
        let unseen = self.mails().into_iter().filter(|path| !taken.contains(path));
        let found =
            unseen.map(|path| (read(&path), path)).find(|(mail, _)| mail.lines().any(|line| line.to_lowercase() == to));
        let (mail, path) = found?;
        taken.insert(path);
        Some(mail)
    }

    /// Names sort by time.
    fn mails(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> =
            entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "eml")).collect();
        paths.sort();
        paths
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// The first run of exactly six digits in the mail's body.
fn code(mail: &str) -> Option<String> {
    let (_, body) = mail.split_once("\r\n\r\n")?;
    let runs = body.split(|character: char| !character.is_ascii_digit());
    runs.into_iter().find(|run| run.len() == 6).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(mails: &[(&str, &str)]) -> (tempfile::TempDir, Mailbox) {
        let folder = tempfile::tempdir().unwrap();
        for (number, (to, text)) in mails.iter().enumerate() {
            let mail = format!("Date: 2026-01-15 123456\r\nTo: {to}\r\n\r\n{text}\r\n");
            std::fs::write(folder.path().join(format!("{number:03}-{to}.eml")), mail).unwrap();
        }
        let mailbox = Mailbox::new(folder.path());
        (folder, mailbox)
    }

    #[tokio::test]
    async fn each_mail_is_handed_out_once_and_in_order() {
        let mails = [("a@x.example", "code 111111"), ("b@x.example", "222222"), ("a@x.example", "1234567 333333")];
        let (_folder, mailbox) = mailbox(&mails);
        assert_eq!(mailbox.next_code("A@x.example").await, "111111");
        assert_eq!(mailbox.next_code("a@x.example").await, "333333");
        assert_eq!(mailbox.next_code("b@x.example").await, "222222");
        assert_eq!(mailbox.count(), 3);
    }
}

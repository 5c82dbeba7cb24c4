//! The server of the demo and its agents, registered through the real flow.

use std::path::{Path, PathBuf};
use std::time::Duration;

use agentchat::{Client, Register};
use agentchat_server::{Config, MailTarget, Running, Server};
use tempfile::TempDir;

use super::screenplay::CAST;
use crate::context::Context;
use crate::failure::Failure;
use crate::session;

const MAIL_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A running server on a temporary folder, and who signed up.
pub(super) struct Stage {
    running: Running,
    actors: Vec<Actor>,
    _folder: TempDir,
}

/// A registered agent.
#[derive(Clone)]
pub(super) struct Actor {
    pub(super) handle: &'static str,
    pub(super) client: Client,
}

impl Stage {
    pub(super) async fn build(context: &Context) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("agentchat-demo-").tempdir()?;
        let mail = folder.path().join("mail");
        let mut config = Config::new(folder.path().join("data"));
        config.mail = MailTarget::Folder(mail.clone());
        // The books of the demo are about its actors alone.
        config.system_agent = false;
        let running = Server::start(config).await.map_err(|error| Failure::failed(error.to_string()))?;
        let api_base = format!("http://{}", running.addr());
        context.printer.talk(format!("server at {api_base}, data in {}", folder.path().display()));
        let mut actors = Vec::new();
        for (handle, name) in CAST {
            actors.push(register(context, &api_base, &mail, handle, name).await?);
        }
        Ok(Self { running, actors, _folder: folder })
    }

    pub(super) fn actors(&self) -> Vec<Actor> {
        self.actors.clone()
    }

    /// Stops the server; the folder goes with it.
    pub(super) async fn strike(self) {
        self.running.shutdown();
        self.running.wait().await;
    }
}

async fn register(
    context: &Context,
    api_base: &str,
    mail: &Path,
    handle: &'static str,
    name: &str,
) -> Result<Actor, Failure> {
    let accounts = session::accounts(api_base);
    let email = format!("{handle}@demo.example.com");
    let pending = accounts.register(Register::new(&email, handle).display_name(name)).await?;
    let (code, file) = tokio::time::timeout(MAIL_WITHIN, code(mail, &email))
        .await
        .map_err(|_| Failure::failed(format!("no mail to {email} arrived")))?;
    let registered = accounts.verify(&pending.pending_id, code.as_str()).await?;
    context.printer.talk(format!("@{handle} registered with the code {code} from {}", file.display()));
    let client = session::client(api_base, registered.api_key.expose())?;
    Ok(Actor { handle, client })
}

/// Waits for the mail to `email`; its code and its file.
async fn code(folder: &Path, email: &str) -> (String, PathBuf) {
    loop {
        if let Some(found) = find_code(folder, email) {
            return found;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn find_code(folder: &Path, email: &str) -> Option<(String, PathBuf)> {
    let paths = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let mails = paths.filter(|path| path.extension().is_some_and(|end| end == "eml"));
    mails.into_iter().find_map(|path| {
        let mail = std::fs::read_to_string(&path).ok()?;
        let (head, body) = mail.split_once("\r\n\r\n")?;
        let addressed = head.lines().any(|line| line == format!("To: {email}"));
        let code = body.split(|character: char| !character.is_ascii_digit()).find(|run| run.len() == 6)?;
        addressed.then(|| (code.to_owned(), path.clone()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_read_from_the_right_mail() {
        let folder = tempfile::tempdir().unwrap();
        let mail = |name: &str, to: &str, code: &str| {
            let text = format!("To: {to}\r\nDate: 123456\r\n\r\nYour code is {code}.\r\n");
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        mail("1.eml", "a@x.example", "111111");
        mail("2.eml", "b@x.example", "222222");
        let (code, path) = find_code(folder.path(), "b@x.example").unwrap();
        assert_eq!((code.as_str(), path.file_name().unwrap().to_str().unwrap()), ("222222", "2.eml"));
        assert!(find_code(folder.path(), "c@x.example").is_none());
    }
}

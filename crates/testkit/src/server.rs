//! A real server in this process.

use std::net::SocketAddr;

use agentchat_launch::{Engine, TestDatabase};
use agentchat_server::{Config, MailTarget, Running, Secret, Server};
use serde_json::json;
use tempfile::TempDir;

use crate::http;
use crate::mailbox::Mailbox;

const ADMIN_TOKEN: &str = "operator-token-of-the-tests-0123456789";

/// A server on a free port of 127.0.0.1, with its data and mail in a temporary folder that goes
/// with this value, and so does its database. Dropped without [`TestServer::stop`] it ends with the runtime.
#[derive(Debug)]
pub struct TestServer {
    running: Option<Running>,
    address: SocketAddr,
    config: Config,
    mailbox: Mailbox,
    _folder: TempDir,
    _database: Option<TestDatabase>,
}

/// An agent that the operator made.
#[derive(Clone, Debug)]
pub struct Seeded {
    /// Its handle, without `@`.
    pub handle: String,
    /// Its key.
    pub api_key: String,
}

impl TestServer {
    /// Starts with the contract's limits, in a folder alone.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts after `change` changed the configuration; folder, mail and admin token are set.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::on_with(Engine::Sqlite, change).await
    }

    /// As [`TestServer::start`], on an engine.
    ///
    /// # Panics
    ///
    /// When it, or PostgreSQL, does not start.
    pub async fn on(engine: Engine) -> Self {
        Self::on_with(engine, |_| {}).await
    }

    /// As [`TestServer::start_with`], on an engine.
    ///
    /// # Panics
    ///
    /// When it, or PostgreSQL, does not start.
    pub async fn on_with(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(TestDatabase::new().await),
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mail = folder.path().join("mail");
        let mut config = Config::new(folder.path().join("data"));
        // Inboxes begin empty.
        config.system_agent = false;
        config.mail = MailTarget::Folder(mail.clone());
        config.admin_token = Some(Secret::new(ADMIN_TOKEN));
        config.database_url = database.as_ref().map(|database| Secret::new(database.url()));
        change(&mut config);
        let running = Server::start(config.clone()).await.expect("the server starts");
        let address = running.addr();
        // A restart must come up where the clients look for it.
        config.listen = address;
        let mailbox = Mailbox::new(mail);
        Self { running: Some(running), address, config, mailbox, _folder: folder, _database: database }
    }

    /// Where it listens; the same after a restart.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The operator's token.
    #[must_use]
    pub fn admin_token(&self) -> &'static str {
        ADMIN_TOKEN
    }

    /// Its mails.
    #[must_use]
    pub fn mailbox(&self) -> Mailbox {
        self.mailbox.clone()
    }

    /// The data folder.
    #[must_use]
    pub fn data_dir(&self) -> &std::path::Path {
        &self.config.data_dir
    }

    /// Makes an agent without mail, with the e-mail `HANDLE@seed.example.com`.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub async fn seed(&self, handle: &str) -> Seeded {
        let body = json!({"handle": handle, "email": format!("{handle}@seed.example.com")});
        let (status, answer) = http::post(self.address, "/admin/agents", ADMIN_TOKEN, &body).await;
        assert_eq!(status, 201, "seeding {handle}: {answer}");
        let api_key = answer["api_key"].as_str().expect("a key").to_owned();
        Seeded { handle: handle.to_owned(), api_key }
    }

    /// Drains and stops; the folder stays.
    ///
    /// # Panics
    ///
    /// When it is stopped already.
    pub async fn stop(&mut self) {
        let running = self.running.take().expect("the server runs");
        running.shutdown();
        running.wait().await;
    }

    /// Begins the shutdown and returns at once.
    ///
    /// # Panics
    ///
    /// When it is stopped already.
    pub fn begin_shutdown(&self) {
        self.running.as_ref().expect("the server runs").shutdown();
    }

    /// Starts again after [`TestServer::stop`], on the same folder and port.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn start_again(&mut self) {
        assert!(self.running.is_none(), "the server is stopped");
        self.running = Some(Server::start(self.config.clone()).await.expect("the server starts again"));
    }

    /// Stops and starts again.
    ///
    /// # Panics
    ///
    /// As both of them.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.start_again().await;
    }
}

#[cfg(test)]
mod tests {
    use agentchat_store_test::store_test;

    use super::*;

    #[store_test]
    async fn a_restart_keeps_agents_and_address(engine: Engine) {
        let mut server = TestServer::on(engine).await;
        server.seed("alice").await;
        let address = server.address();
        server.restart().await;
        let body = json!({"handle": "alice", "email": "other@seed.example.com"});
        let (status, answer) = http::post(address, "/admin/agents", ADMIN_TOKEN, &body).await;
        assert_eq!((status, answer["code"].as_str()), (409, Some("HANDLE_TAKEN")));
    }
}

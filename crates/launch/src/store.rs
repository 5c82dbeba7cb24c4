//! A store for one test.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use agentchat_store::{Engine, PostgresOptions, Store, StoreOptions};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::Postgres;

const TEMPLATE: &str = "template_of_tests";
/// Tests run beside each other on one server.
const CONNECTIONS: usize = 8;

/// A fresh, migrated store, gone with this value.
#[derive(Debug)]
pub struct TestStore {
    /// The store; its clones stay valid until [`TestStore::reopen`].
    pub store: Store,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Folder(TempDir),
    Database(TestDatabase),
}

impl TestStore {
    /// A store in a temporary folder, or in a database of its own on [`Postgres::shared`].
    ///
    /// # Panics
    /// When there is none to be had.
    pub async fn open(engine: Engine) -> Self {
        let place = match engine {
            Engine::Sqlite => Place::Folder(tempfile::tempdir().expect("a temporary folder")),
            Engine::Postgres => Place::Database(TestDatabase::new().await),
        };
        Self { store: place.open().await, place }
    }

    /// Closes the store and opens the same data again.
    ///
    /// # Panics
    /// When it does not open.
    pub async fn reopen(&mut self) {
        self.store.close().await;
        self.store = self.place.open().await;
    }

    /// Where the database is; `None` on SQLite.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        match &self.place {
            Place::Folder(_) => None,
            Place::Database(database) => Some(database.url()),
        }
    }
}

impl Place {
    async fn open(&self) -> Store {
        match self {
            Self::Folder(folder) => Store::open(StoreOptions::new(folder.path())).expect("the folder's store opens"),
            // As behind a pooler: whoever opens a store by a URL (a server) goes through every statement the other way,
            // prepared on its session.
            Self::Database(database) => connect(&format!("{}&pooler=transaction", database.url())).await,
        }
    }
}

/// A migrated database on [`Postgres::shared`], for tests that open its store themselves. Dropping the value removes
/// it, whoever is connected to it.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
}

impl TestDatabase {
    /// A fresh one, without a row.
    ///
    /// # Panics
    /// When the server does not start or refuses.
    pub async fn new() -> Self {
        let made = tokio::task::spawn_blocking(Self::make).await;
        made.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    fn make() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        migrated().create_from(&name, TEMPLATE);
        Self { name }
    }

    /// Its name on the server.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What [`Store::connect`] needs; few connections.
    #[must_use]
    pub fn url(&self) -> String {
        url(&self.name)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        // Beside the next test. At the end of the process there is nothing left to clean.
        std::thread::spawn(move || Postgres::shared().remove(&name));
    }
}

/// The shared server once the template is there: migrating anew for every test would take most of its time.
fn migrated() -> &'static Postgres {
    static MIGRATED: OnceLock<&'static Postgres> = OnceLock::new();
    MIGRATED.get_or_init(|| {
        let postgres = Postgres::shared();
        // Left by a test that failed in the middle of this.
        postgres.remove(TEMPLATE);
        postgres.create(TEMPLATE);
        // A template must not be connected to; connections end with their runtime.
        let runtime = Runtime::new().expect("a runtime");
        runtime.block_on(async { connect(&url(TEMPLATE)).await.close().await });
        drop(runtime);
        postgres
    })
}

fn url(database: &str) -> String {
    format!("{}?connections={CONNECTIONS}", Postgres::shared().url(database))
}

async fn connect(url: &str) -> Store {
    let mut options = PostgresOptions::parse(url).expect("our own URL");
    // The machine may have much else to do.
    options.wait = Duration::from_secs(60);
    Store::connect(options).await.unwrap_or_else(|error| panic!("no store at {url}: {error}"))
}

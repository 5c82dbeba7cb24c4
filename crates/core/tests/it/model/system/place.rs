//! A store that can die.

use std::fs;
use std::path::Path;
use std::time::Duration;

use agentchat_launch::TestDatabase;
use agentchat_store::{Engine, PostgresOptions, Store, StoreOptions};
use tempfile::TempDir;

/// Where the data is.
#[derive(Debug)]
enum Data {
    Folder(TempDir),
    Database(TestDatabase),
}

#[derive(Debug)]
pub(super) struct Place {
    pub(super) store: Store,
    data: Data,
}

impl Place {
    pub(super) async fn new(engine: Engine) -> Self {
        let data = match engine {
            Engine::Sqlite => Data::Folder(folder()),
            Engine::Postgres => Data::Database(TestDatabase::new().await),
        };
        Self { store: open(&data).await, data }
    }

    /// The store is gone as if its process had been killed, and another process goes on with what it left.
    pub(super) async fn crash(&mut self) {
        if let Data::Folder(old) = &self.data {
            // A killed process leaves its files as they are; the copy is what the next one finds. Ours cannot be killed,
            // so it goes on with the old folder until it is closed.
            let new = folder();
            copy(old.path(), new.path());
            self.store.close().await;
            self.data = Data::Folder(new);
        }
        // Of a database the connections go with the last handle.
        self.store = open(&self.data).await;
    }

    pub(super) async fn close(self) {
        self.store.close().await;
    }
}

/// In memory where there is such a place: nobody pulls the plug here, and waiting for disks takes most of the time.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.expect("a temporary folder")
}

/// The database before its log: whatever is copied into the database meanwhile stays in the log too.
fn copy(from: &Path, to: &Path) {
    let mut files: Vec<_> =
        fs::read_dir(from).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.is_file()) {
        fs::copy(file, to.join(file.file_name().expect("a name"))).expect("a copy");
    }
}

async fn open(data: &Data) -> Store {
    match data {
        Data::Folder(folder) => Store::open(StoreOptions::new(folder.path())).expect("the folder's store opens"),
        Data::Database(database) => {
            let mut options = PostgresOptions::parse(&database.url()).expect("our own URL");
            options.connections = 1;
            // The machine may have much else to do.
            options.wait = Duration::from_secs(60);
            Store::connect(options).await.expect("the database's store opens")
        }
    }
}

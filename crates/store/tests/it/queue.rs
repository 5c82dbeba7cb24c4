//! Holding the writer back, so that what is queued meanwhile is known to be one batch.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use agentchat_store::{Store, StoreError, Tx, Write};
use tokio::task::JoinHandle;

/// Keeps the writer busy until it is opened.
pub(crate) struct Gate {
    release: Sender<()>,
    held: JoinHandle<Result<(), StoreError>>,
}

struct Hold {
    entered: Sender<()>,
    release: Mutex<Receiver<()>>,
}

impl Write for Hold {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, _tx: &mut Tx<'_>) -> Result<(), StoreError> {
        self.entered.send(()).expect("a test that waits");
        self.release.lock().expect("one holder").recv().expect("a test that opens the gate");
        Ok(())
    }
}

impl Gate {
    /// Returns once the writer stands before it.
    pub(crate) async fn shut(store: &Store) -> Self {
        let ((entered, seen), (release, released)) = (channel(), channel());
        let (store, hold) = (store.clone(), Hold { entered, release: Mutex::new(released) });
        let held = tokio::spawn(async move { store.write_own(hold).await });
        tokio::task::spawn_blocking(move || seen.recv()).await.expect("a thread").expect("a writer at the gate");
        Self { release, held }
    }

    /// Lets the writer go on.
    pub(crate) async fn open(self) {
        self.release.send(()).expect("a writer at the gate");
        self.held.await.expect("no panic").expect("an empty commit");
    }
}

/// Returns once so many operations wait.
pub(crate) async fn queued(store: &Store, waiting: usize) {
    while store.stats().queue_depth != waiting {
        tokio::task::yield_now().await;
    }
}

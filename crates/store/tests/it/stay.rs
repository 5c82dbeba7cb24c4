//! An operation that stands still inside its transaction, so that what comes meanwhile has to wait: for the writer on
//! SQLite, for the conversation on PostgreSQL.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::Poll;

use agentchat_store::{Store, Tx, Write};
use tokio::task::{JoinHandle, block_in_place};

use crate::talk::{NotSaid, Said, Say};

/// Until it is released, nobody else's message of the same pair is stored.
pub(crate) struct Stay {
    release: Sender<()>,
    held: JoinHandle<Result<Said, NotSaid>>,
}

struct SayAndStay {
    say: Say,
    said: Sender<()>,
    release: Mutex<Receiver<()>>,
}

impl Write for SayAndStay {
    type Out = Said;
    type Error = NotSaid;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Said, NotSaid> {
        let said = self.say.run(tx).await?;
        self.said.send(()).expect("a test that waits");
        // On SQLite an operation must not be pending.
        block_in_place(|| self.release.lock().expect("one holder").recv()).expect("a test that goes on");
        Ok(said)
    }
}

impl Stay {
    /// Returns once the message is written, and not committed. Needs a runtime of several threads.
    pub(crate) async fn after(store: &Store, say: Say) -> Self {
        let ((said, was_said), (release, released)) = (channel(), channel());
        let (store, stay) = (store.clone(), SayAndStay { say, said, release: Mutex::new(released) });
        let held = tokio::spawn(async move { store.write_own(stay).await });
        tokio::task::spawn_blocking(move || was_said.recv()).await.expect("a thread").expect("it was said");
        Self { release, held }
    }

    /// Lets it commit.
    pub(crate) async fn end(self) -> Said {
        self.release.send(()).expect("it stays");
        self.held.await.expect("no panic").expect("it was said")
    }
}

/// Asks once, as whoever awaits it would, and expects no answer yet.
pub(crate) async fn begin<F: Future>(work: &mut Pin<Box<F>>) {
    let begun = poll_fn(|context| Poll::Ready(work.as_mut().poll(context).is_pending())).await;
    assert!(begun, "it waits");
}

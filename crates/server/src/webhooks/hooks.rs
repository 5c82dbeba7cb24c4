//! Who tells the deliverer that there is something to deliver.

use tokio::sync::Notify;

/// Whether there may be a call to make that nobody makes yet.
#[derive(Debug)]
pub(crate) struct Hooks(Notify);

impl Default for Hooks {
    /// At the start there may be some of the last run.
    fn default() -> Self {
        let hooks = Self(Notify::new());
        hooks.wake();
        hooks
    }
}

impl Hooks {
    /// Something was queued just now.
    pub(crate) fn wake(&self) {
        self.0.notify_one();
    }

    /// Ends when something was queued since the last time.
    pub(super) async fn woken(&self) {
        self.0.notified().await;
    }
}

//! Checkpoints: the log is copied into the database beside the writer, never inside a commit.
//!
//! A thread copies every few milliseconds while there is something to copy. That alone lets the log grow without
//! bound under load, because SQLite starts the log over only when *all* of it was copied at the moment a write
//! begins. So once the log is long the writer itself, between two batches, copies what is left.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::ffi::{SQLITE_IOERR_DIR_FSYNC, SQLITE_IOERR_FSYNC};
use rusqlite::hooks::Wal;

use super::Others;

/// How long the log is, known from SQLite's own hook, and how far its copying is.
pub(crate) struct Log {
    /// Frames (pages) in the log after the last commit.
    frames: AtomicU32,
    /// Frames at which the writer tries to start the log over.
    due: AtomicU32,
    restart_frames: u32,
    /// The last copying failed; said once, not for every attempt.
    failing: AtomicBool,
    /// What is noted as copied may not be on disk: nothing may be copied until all connections were opened anew.
    stale: AtomicBool,
}

const PAGE: u64 = 4096 + 24;

impl Log {
    pub(crate) fn new(restart_bytes: u64) -> Arc<Self> {
        let frames = u32::try_from(restart_bytes / PAGE).unwrap_or(u32::MAX).max(1);
        Arc::new(Self {
            frames: AtomicU32::new(0),
            due: AtomicU32::new(frames),
            restart_frames: frames,
            failing: AtomicBool::new(false),
            stale: AtomicBool::new(false),
        })
    }

    /// Bytes in the log after the last commit.
    pub(crate) fn bytes(&self) -> u64 {
        u64::from(self.frames.load(Ordering::Relaxed)) * PAGE
    }

    /// Makes the writer's connection report the log's length after each commit.
    pub(crate) fn watch(self: &Arc<Self>, connection: &mut Connection) -> rusqlite::Result<()> {
        let log = Arc::clone(self);
        connection.wal_hook(Some(move |_: &mut Wal, frames: std::ffi::c_int| {
            log.frames.store(u32::try_from(frames).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))
    }

    /// Called by the writer between batches.
    pub(crate) fn restart_if_long(&self, connection: &Connection, others: &Others) {
        let frames = self.frames.load(Ordering::Relaxed);
        if frames < self.restart_frames {
            self.due.store(self.restart_frames, Ordering::Relaxed);
        } else if frames >= self.due.load(Ordering::Relaxed) {
            let _nobody_else_copies = others.copier();
            self.copy(connection);
            // A reader may have kept it from starting over; try again after another eighth (of 32 MiB: 4 MiB).
            self.due.store(frames + (self.restart_frames / 8).max(1), Ordering::Relaxed);
        }
    }

    /// Copies what it can; false when the disk would not take it. The caller holds the copier's slot.
    fn copy(&self, connection: &Connection) -> bool {
        if self.is_stale() {
            return false;
        }
        let copied = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if copied.as_ref().is_err_and(is_failed_sync) {
            self.stale.store(true, Ordering::Release);
        }
        match (&copied, self.failing.swap(copied.is_err(), Ordering::Relaxed)) {
            (Err(error), false) => tracing::warn!(%error, "the log cannot be copied into the database; it grows"),
            (Ok(()), true) => tracing::info!("the log is copied into the database again"),
            _ => {}
        }
        copied.is_ok()
    }

    /// Whether all connections must be opened anew, see [`Others`].
    pub(crate) fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Acquire)
    }

    /// All connections were.
    pub(crate) fn renewed(&self) {
        self.stale.store(false, Ordering::Release);
    }
}

fn is_failed_sync(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_extended_error_code(), Some(SQLITE_IOERR_FSYNC | SQLITE_IOERR_DIR_FSYNC))
}

/// The thread that copies while the writer writes.
pub(crate) struct Checkpointer {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Checkpointer {
    pub(crate) fn start(others: Arc<Others>, log: Arc<Log>, every: Duration) -> std::io::Result<Self> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let seen = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("checkpoint".into()).spawn(move || {
            let mut copied = 0;
            let mut stopped = seen.0.lock().unwrap_or_else(PoisonError::into_inner);
            while !*stopped {
                stopped = seen.1.wait_timeout(stopped, every).unwrap_or_else(PoisonError::into_inner).0;
                let frames = log.frames.load(Ordering::Relaxed);
                if frames != copied && others.copier().as_ref().is_some_and(|copier| log.copy(copier)) {
                    copied = frames;
                }
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }

    pub(crate) fn stop(&mut self) {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic there was already reported by the panic hook.
            let _ = thread.join();
        }
    }
}

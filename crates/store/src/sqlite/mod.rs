//! The embedded engine: one writer, a few readers, a checkpointer, one file.

mod checkpoint;
mod connection;
mod engine;
mod folder;
mod migrate;
mod others;
mod readers;
mod search;
mod writer;

use checkpoint::{Checkpointer, Log};
use connection::{DATABASE_FILE, reader, writer};
pub(crate) use engine::Embedded;
pub(crate) use folder::{has_store, mark_moved, take, unmark_moved};
use others::Others;
use readers::{ReadJob, Readers};
use search::SearchIndex;
pub(crate) use writer::Job;
use writer::{Finished, Queue, Writer, WriterParts};

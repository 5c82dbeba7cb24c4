//! The embedded engine: one writer, a few readers, a checkpointer, one file.

mod backup;
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
pub(crate) use connection::DATABASE_FILE;
use connection::{reader, writer};
pub(crate) use engine::Embedded;
pub(crate) use folder::{has_store, hold, mark_moved, moved_to, take, unmark_moved};
pub(crate) use migrate::SCHEMA;
use others::Others;
use readers::{ReadJob, Readers};
use search::SearchIndex;
pub(crate) use writer::Job;
use writer::{Finished, Queue, Writer, WriterParts};

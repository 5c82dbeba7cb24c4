//! The directory: agents by the beginning of their handles.

mod search;

pub use search::SearchDirectory;

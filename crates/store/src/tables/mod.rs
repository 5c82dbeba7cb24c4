//! One file a table: the verbs operations use, each one statement of portable SQL.

mod agents;
mod meta;

//! The durable store: transactions, group commit, tables. The only crate with SQL.

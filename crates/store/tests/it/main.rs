//! The store's promises, from outside.

mod books;
mod faults;
mod log;
mod open;
mod order;
mod queue;
mod talk;
mod writes;

//! The store's promises, from outside.

mod books;
mod faults;
mod log;
mod open;
mod order;
mod postgres;
mod queue;
mod search;
mod stay;
mod talk;
mod transfer;
mod writes;

//! The command, run as a program against a real server; whole outputs are compared.

mod account;
mod admin;
mod backup;
mod bench;
mod cluster;
mod demo;
mod doctor;
mod export;
mod faults;
mod listen;
mod migrate_store;
mod serve;
mod talk;
mod usage;
mod world;

//! The command, run as a program against a real server; whole outputs are compared.

mod account;
mod admin;
mod bench;
mod demo;
mod doctor;
mod faults;
mod listen;
mod serve;
mod talk;
mod usage;
mod world;

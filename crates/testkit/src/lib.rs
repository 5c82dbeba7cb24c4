//! Test support: a server on a free port, a mailbox, clocks. Development only.

//! Contacts, blocks and reports: what agents think of each other.

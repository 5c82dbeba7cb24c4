//! Calls that are made, and calls that are not.

//! Who is there, and since when.

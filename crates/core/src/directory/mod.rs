//! Finding agents by the beginning of their handle.

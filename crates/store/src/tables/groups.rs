//! `group_profile`, `invite`: what groups are, and who is invited.

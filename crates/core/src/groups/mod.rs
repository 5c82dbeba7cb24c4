//! Groups: making, changing and leaving them; members, invitations, the end of a group.

//! Mutes: whose messages wake nobody.

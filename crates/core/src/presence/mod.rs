//! Who is there, what it says about that, and who hears it compose.
//!
//! An agent is there while some server has a socket or a stream of it. What it says of itself counts for
//! [`TTL_MS`], longer while it is connected. Every change that others see is told to those who have the agent in their
//! contacts, once in [`WINDOW_MS`] at most; what has to wait, and what fades, has a time at which somebody looks again.

mod announcement;
mod attend;
mod audience;
mod bury;
mod fade;
mod last_seen;
mod nodes;
mod renew;
mod say;
mod show;
mod standing;
mod typing;

pub use announcement::{Announcement, Announcements};
pub use attend::Attend;
pub use audience::{Audience, AudiencePage};
pub use bury::Bury;
pub use fade::{Fade, PresenceDue};
pub use last_seen::LastSeen;
pub use nodes::{ListNodes, NodeSeen};
pub use renew::{Begin, Renew};
pub use say::{SaidSo, SayPresence};
pub use show::{ShowPresence, ShowPresences, Sighting};
pub use typing::TypingAudience;

/// How long counts what nobody repeats, in milliseconds.
pub const TTL_MS: i64 = 300_000;
/// An agent's presence is told once in so many milliseconds at most.
pub const WINDOW_MS: i64 = 2_000;

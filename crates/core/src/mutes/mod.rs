//! Mutes: what agents do not want to be disturbed by. Nobody but the muter can tell.

mod add;
mod list;
mod named;
mod remove;
mod show;

pub use add::AddMute;
pub use list::ListMutes;
pub use named::NamedTarget;
pub use remove::RemoveMute;
pub use show::ShowMute;

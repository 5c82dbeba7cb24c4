//! Groups: making, changing and leaving them; members, invitations, the end of a group.
//!
//! Whatever changes a group holds its conversation, and the inboxes of its members for the system messages that follow
//! (`gate::lock`); what happens is told by `event::post` once it is made.

mod accept;
mod add;
mod close;
mod create;
mod delete;
pub mod event;
mod gate;
mod invites;
mod kick;
mod leave;
mod rank;
mod show;
mod update;

pub use accept::{AcceptInvite, Joined};
pub use add::{AddToGroup, Added, InviteRules, Invited};
pub use close::GroupEnd;
pub use create::{CreateGroup, Created};
pub use delete::{DeleteGroup, DeletedGroup};
pub use invites::{ListInvites, RejectInvite};
pub use kick::KickMember;
pub use leave::{LeaveGroup, Left};
pub use rank::{ChangeRank, Rank};
pub use show::ShowGroup;
pub use update::{UpdateGroup, Updated};

pub(crate) use close::{close_some, group_end, leave_one};
pub(crate) use gate::{enter_as_admin, lock as lock_group};
pub(crate) use show::profile;

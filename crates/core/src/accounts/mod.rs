//! Accounts: who is calling, one-time codes, registration, recovery, key rotation.
//!
//! Every flow has two steps. *Begin* takes a slot of the e-mail's send gate and stores a pending code; *verify*
//! first counts a try ([`CountTry`], durable by itself) and then redeems the pending in the transaction that
//! commits the result. [`Counted`] is the proof of the first, without which the second cannot be made.

mod begin_recovery;
mod begin_registration;
mod begin_rotation;
mod caller;
mod code;
mod count_try;
mod email_caps;
mod new_account;
mod replace_key;
mod replace_system_key;
mod send_gate;
mod verify_recovery;
mod verify_registration;
mod verify_rotation;

pub use agentchat_store::tables::Flow;
pub use begin_recovery::BeginRecovery;
pub use begin_registration::BeginRegistration;
pub use begin_rotation::BeginRotation;
pub use caller::{Authenticate, Caller};
pub use code::{Challenge, Code, CodeKey, CodeRules};
pub use count_try::{CountTry, Counted};
pub use email_caps::EmailCaps;
pub use new_account::NewAccount;
pub use replace_system_key::{FindSystemAgent, ReplaceSystemKey, SystemAgent};
pub use send_gate::ReleaseSlot;
pub use verify_recovery::{Recovery, VerifyRecovery};
pub use verify_registration::{Registered, VerifyRegistration};
pub use verify_rotation::VerifyRotation;

pub(crate) use email_caps::check_email_caps;
pub(crate) use new_account::handle_taken;

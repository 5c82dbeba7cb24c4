//! Messages: sending, delivery, history, reading, hiding.

mod ack_through;
mod count_undelivered;
mod direct_rules;
mod hide;
mod history;
mod own_rows;
mod pending;
mod read;
mod send_direct;
mod settle;
mod view;

pub(crate) use view::kind_of;

pub use ack_through::{AckProgress, AckThrough};
pub use count_undelivered::CountUndelivered;
pub use hide::HideMessage;
pub use history::{HistoryAnchor, ShowHistory};
pub use own_rows::OwnRows;
pub use pending::{Pending, PendingPage, PendingRow};
pub use read::{MessageReadOut, ReadEvent, ReadMessage, ReadOutcome, ReadThrough};
pub use send_direct::{BacklogWarning, Delivery, SendDirect, SendLimits, Sent};
pub use settle::{Ack, Busy, Settle, Settled};

//! Messages: sending, delivery, history, reading, hiding.

mod ack_through;
mod count_undelivered;
mod direct_rules;
mod expire;
mod hide;
mod history;
mod own_rows;
mod pending;
mod posted;
mod rates;
mod read;
mod send_direct;
mod send_group;
mod sent;
mod settle;
mod trip_loop_guard;
mod view;

pub(crate) use send_group::deliveries;
pub(crate) use view::{history_row, kind_number, kind_of, sender_context};

pub use ack_through::{AckProgress, AckThrough};
pub use count_undelivered::CountUndelivered;
pub use expire::{Expire, FindOverdue};
pub use hide::HideMessage;
pub use history::{HistoryAnchor, ShowHistory};
pub use own_rows::OwnRows;
pub use pending::{Pending, PendingPage, PendingRow};
pub use posted::Posted;
pub use rates::{Rate, Spent};
pub use read::{MessageReadOut, ReadEvent, ReadMessage, ReadOutcome, ReadThrough};
pub use send_direct::{BacklogWarning, Delivery, SendDirect, SendLimits, Sent};
pub use send_group::SendGroup;
pub use settle::{Ack, Busy, Settle, Settled};
pub use trip_loop_guard::{SendTarget, TripLoopGuard};

//! Everything an agent may see, in short reads (extensions.md X7): [`BeginExport`] settles what belongs to it, the
//! others fetch a page of that.

mod attachments;
mod begin;
mod conversations;

pub use agentchat_store::tables::Span;
pub use attachments::{ExportAttachments, ExportUploads, ExportedAttachment, FoundAttachment};
pub use begin::{BeginExport, Beginning};
pub use conversations::{ExportConversations, ExportMessages, FoundMessages};

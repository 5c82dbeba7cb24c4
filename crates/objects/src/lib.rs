//! Bytes: attachments and avatars, in a folder or in an S3-compatible bucket.
//!
//! * [`Location`] says where (`file:DIR`, `s3://bucket`), [`Objects`] reads, writes and deletes there. A [`Writing`]
//!   becomes visible when it is committed and not before; what is committed to a folder is on disk.
//! * [`Verifier`] is shown an upload chunk by chunk and says whether it is what was declared.
//! * [`AddressKey`] signs the addresses under which bytes are sent and fetched without an API key.
//! * [`Pictures`] makes an avatar of whatever image somebody sent.
//!
//! ```text
//! let objects = Objects::open(&"file:./objects".parse()?)?;
//! let mut writing = objects.begin("attachments/1");
//! writing.write(chunk).await?;
//! writing.commit().await?;
//! ```

mod address;
mod hex;
mod location;
mod objects;
mod picture;
mod verify;
mod writing;

pub use address::{AddressKey, Purpose};
pub use location::{Location, LocationError};
pub use objects::{ByteStream, Credentials, ObjectError, Objects};
pub use picture::{PictureError, Pictures, picture_key};
pub use verify::{Declaration, Mismatch, Verifier};
pub use writing::Writing;

//! Avatars: any image becomes a square of 512 pixels in WebP, without anything but its picture.

mod format;
mod square;

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::address::keyed;
use crate::hex::hex;
use hmac::Mac;

/// Pictures made at once: each may need a few hundred MB for a moment.
const AT_ONCE: usize = 2;

/// Why an image does not become an avatar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    #[error("there are no bytes")]
    Empty,
    #[error("neither JPEG, PNG, WebP nor GIF")]
    Format,
    #[error("the header cannot be read")]
    Header,
    #[error("a side is below {min} pixels")]
    Small { min: u32 },
    #[error("too many pixels, or the picture cannot be made")]
    Failed,
}

/// Makes avatars, a few at a time, beside the threads that serve.
#[derive(Debug, Clone)]
pub struct Pictures(Arc<Semaphore>);

impl Default for Pictures {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Pictures {
    /// The avatar made of an image: WebP, 512×512.
    ///
    /// # Errors
    /// In the order of the contract: [`PictureError`] from the first variant to the last.
    pub async fn square(&self, image: Bytes) -> Result<Bytes, PictureError> {
        let turn = Arc::clone(&self.0).acquire_owned().await.map_err(|_| PictureError::Failed)?;
        let made = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            square::square(&image)
        });
        // A decoder that panics has not made a picture either.
        made.await.unwrap_or(Err(PictureError::Failed)).map(Bytes::from)
    }
}

/// The avatar's public name: 16 digits of a keyed hash of whose it is, 32 of its content's.
/// It reveals nothing about `subject`, and the same picture has the same name.
pub fn picture_key(key: &[u8; 32], subject: &[u8], picture: &[u8]) -> String {
    let mut mac = keyed(key);
    mac.update(b"avatar\0");
    mac.update(subject);
    let subject: [u8; 32] = mac.finalize().into_bytes().into();
    let content: [u8; 32] = Sha256::digest(picture).into();
    format!("{}/{}.webp", hex(&subject[..8]), hex(&content[..16]))
}

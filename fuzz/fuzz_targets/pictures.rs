//! Avatars of whatever bytes: WebP or a refusal, never anything else.
#![no_main]

use std::sync::LazyLock;

use agentchat_objects::Pictures;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().build().expect("a runtime"));
static PICTURES: LazyLock<Pictures> = LazyLock::new(Pictures::default);

fuzz_target!(|data: &[u8]| {
    if let Ok(made) = RUNTIME.block_on(PICTURES.square(Bytes::copy_from_slice(data))) {
        assert_eq!((&made[..4], &made[8..12]), (&b"RIFF"[..], &b"WEBP"[..]));
        assert!(!made.windows(4).any(|four| four == b"EXIF"), "carries metadata");
    }
});

//! The judge of uploads: its verdict does not depend on how bytes come, and JSON and text are what the standard library and
//! serde_json say.
#![no_main]

use agentchat_objects::{Declaration, Mismatch, Verifier};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

const TYPES: [&str; 14] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "application/pdf",
    "application/json",
    "text/plain",
    "text/markdown",
    "text/csv",
    "audio/mpeg",
    "audio/wav",
    "audio/ogg",
    "video/mp4",
    "video/webm",
];

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (kind, chunk, bytes) = input;
    let content_type = TYPES[usize::from(kind) % TYPES.len()];
    let declared = Declaration {
        size: bytes.len() as u64,
        sha256: Sha256::digest(bytes).into(),
        content_type: content_type.to_owned(),
    };
    let whole = verdict(&declared, bytes, bytes.len().max(1));
    assert_eq!(whole, verdict(&declared, bytes, usize::from(chunk) + 1));
    let is_text = std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0'));
    match content_type {
        "text/plain" | "text/markdown" | "text/csv" => assert_eq!(whole.is_ok(), is_text),
        "application/json" if whole.is_ok() => assert!(serde_json::from_slice::<IgnoredAny>(bytes).is_ok()),
        _ => {}
    }
    let shorter = Declaration { size: declared.size + 1, ..declared };
    assert_eq!(verdict(&shorter, bytes, 7), Err(Mismatch::Size));
});

fn verdict(declared: &Declaration, bytes: &[u8], chunk: usize) -> Result<(), Mismatch> {
    let mut verifier = Verifier::new(declared);
    for chunk in bytes.chunks(chunk) {
        verifier.push(chunk)?;
    }
    verifier.finish()
}

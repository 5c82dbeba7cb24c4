//! Which format an image has, by its first bytes, and whether it is one to keep away from.

use image::ImageFormat;

/// A progressive JPEG may go over all its pixels in every scan; pictures have about ten.
const MOST_SCANS: usize = 100;
const START_OF_SCAN: &[u8; 2] = b"\xff\xda";

/// JPEG, PNG, WebP or GIF.
pub(super) fn of(bytes: &[u8]) -> Option<ImageFormat> {
    if bytes.starts_with(b"\xff\xd8\xff") {
        Some(ImageFormat::Jpeg)
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(ImageFormat::Png)
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some(ImageFormat::WebP)
    } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        Some(ImageFormat::Gif)
    } else {
        None
    }
}

/// A JPEG whose many scans cost far more time than its size suggests.
pub(super) fn is_tedious(format: ImageFormat, bytes: &[u8]) -> bool {
    format == ImageFormat::Jpeg && bytes.windows(2).filter(|pair| pair == START_OF_SCAN).count() > MOST_SCANS
}

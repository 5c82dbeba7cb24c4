//! The transformation itself. It may take a second and is to run where that hurts nobody.

use std::io::Cursor;

use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, RgbaImage};

use super::{PictureError, format};

const SIDE: u32 = 512;
const SMALLEST: u32 = 128;
const MOST_PIXELS: u64 = 25_165_824;
/// What a decoder may allocate: the most pixels at 16 bits each in four channels, and as much again for its own work.
const MOST_BYTES: u64 = 2 * 8 * MOST_PIXELS;
const QUALITY: f32 = 85.0;

/// Signature, header, dimensions; only then pixels.
pub(super) fn square(bytes: &[u8]) -> Result<Vec<u8>, PictureError> {
    if bytes.is_empty() {
        return Err(PictureError::Empty);
    }
    let format = format::of(bytes).ok_or(PictureError::Format)?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|_| PictureError::Header)?;
    let (width, height) = decoder.dimensions();
    if width.min(height) < SMALLEST {
        return Err(PictureError::Small { min: SMALLEST });
    }
    if u64::from(width) * u64::from(height) > MOST_PIXELS || format::is_tedious(format, bytes) {
        return Err(PictureError::Failed);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder).map_err(|_| PictureError::Failed)?;
    encode(&turned(shrink(&image), orientation))
}

/// The square in the middle, at its final size.
fn shrink(image: &DynamicImage) -> RgbaImage {
    let (width, height) = (image.width(), image.height());
    let side = width.min(height);
    let middle = imageops::crop_imm(image, (width - side) / 2, (height - side) / 2, side, side);
    if side >= SIDE {
        imageops::thumbnail(&*middle, SIDE, SIDE)
    } else {
        imageops::resize(&*middle, SIDE, SIDE, FilterType::CatmullRom)
    }
}

/// A square's middle is its middle whichever way it is held, so this is done where it is cheap.
fn turned(image: RgbaImage, orientation: Orientation) -> RgbaImage {
    let mut image = DynamicImage::ImageRgba8(image);
    image.apply_orientation(orientation);
    image.into_rgba8()
}

fn encode(image: &RgbaImage) -> Result<Vec<u8>, PictureError> {
    let encoder = webp::Encoder::from_rgba(image.as_raw(), image.width(), image.height());
    let encoded = encoder.encode_simple(false, QUALITY).map_err(|_| PictureError::Failed)?;
    Ok(encoded.to_vec())
}

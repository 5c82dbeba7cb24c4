//! What becomes of images.

use std::io::Cursor;

use agentchat_objects::{PictureError, Pictures, picture_key};
use bytes::Bytes;
use image::{ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

const RED: Rgb<u8> = Rgb([250, 10, 10]);
const BLUE: Rgb<u8> = Rgb([10, 10, 250]);

fn encoded(image: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

async fn square(bytes: impl Into<Bytes>) -> Result<RgbaImage, PictureError> {
    let made = Pictures::default().square(bytes.into()).await?;
    assert_eq!(image::guess_format(&made).unwrap(), ImageFormat::WebP);
    Ok(image::load_from_memory(&made).unwrap().into_rgba8())
}

fn near(pixel: Rgba<u8>, color: Rgb<u8>) -> bool {
    pixel.0.iter().zip(color.0).all(|(have, want)| have.abs_diff(want) < 30)
}

/// Red above, blue below.
fn two_halves(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |_, y| if y < height / 2 { RED } else { BLUE })
}

#[tokio::test]
async fn every_format_becomes_a_square_of_512() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        for (width, height) in [(128, 128), (600, 600), (1500, 700)] {
            let made = square(encoded(&two_halves(width, height), format)).await.unwrap();
            assert_eq!(made.dimensions(), (512, 512), "{format:?} {width}x{height}");
            assert!(near(*made.get_pixel(256, 100), RED), "{format:?} {width}x{height}");
            assert!(near(*made.get_pixel(256, 412), BLUE), "{format:?} {width}x{height}");
        }
    }
}

#[tokio::test]
async fn the_middle_is_kept() {
    // Red at both sides, blue in the middle third.
    let image = RgbImage::from_fn(600, 200, |x, _| if (200..400).contains(&x) { BLUE } else { RED });
    let made = square(encoded(&image, ImageFormat::Png)).await.unwrap();
    for (x, y) in [(8, 8), (504, 8), (256, 256), (8, 504), (504, 504)] {
        assert!(near(*made.get_pixel(x, y), BLUE), "{x},{y}");
    }
}

/// A JPEG with this EXIF orientation, and a comment nobody is to see.
fn turned(orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.push(orientation);
    exif.extend_from_slice(b"\0\0\0\0\0\0secret place");
    let mut bytes = encoded(&two_halves(300, 200), ImageFormat::Jpeg);
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    let segment = [b"\xff\xe1".as_slice(), &length, &exif].concat();
    bytes.splice(2..2, segment);
    bytes
}

#[tokio::test]
async fn an_image_is_turned_the_way_it_was_held() {
    // Where the red half lies once it is upright.
    for (orientation, red, blue) in
        [(1, (256, 20), (256, 490)), (3, (256, 490), (256, 20)), (6, (490, 256), (20, 256)), (8, (20, 256), (490, 256))]
    {
        let made = square(turned(orientation)).await.unwrap();
        assert!(near(*made.get_pixel(red.0, red.1), RED), "orientation {orientation}");
        assert!(near(*made.get_pixel(blue.0, blue.1), BLUE), "orientation {orientation}");
    }
}

#[tokio::test]
async fn nothing_but_the_picture_is_left() {
    let made = Pictures::default().square(turned(6).into()).await.unwrap();
    assert!(!made.windows(6).any(|window| window == b"secret"));
    assert!(!made.windows(4).any(|window| window == b"EXIF"));
}

#[tokio::test]
async fn the_first_frame_stands_for_an_animation() {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
    for color in [RED, BLUE] {
        let frame = RgbaImage::from_pixel(200, 200, Rgba([color[0], color[1], color[2], 255]));
        encoder.encode_frame(image::Frame::new(frame)).unwrap();
    }
    drop(encoder);
    let made = square(bytes).await.unwrap();
    assert!(near(*made.get_pixel(256, 256), RED));
}

#[tokio::test]
async fn refusals_come_in_their_order() {
    let small = RgbImage::from_pixel(127, 400, RED);
    let cases: [(&str, Vec<u8>, PictureError); 6] = [
        ("empty", Vec::new(), PictureError::Empty),
        ("text", b"hello".to_vec(), PictureError::Format),
        ("bmp", b"BM\0\0\0\0".to_vec(), PictureError::Format),
        ("png without a header", b"\x89PNG\r\n\x1a\n1234".to_vec(), PictureError::Header),
        ("small", encoded(&small, ImageFormat::Png), PictureError::Small { min: 128 }),
        ("cut off", cut_off(), PictureError::Failed),
    ];
    for (name, bytes, expected) in cases {
        assert_eq!(square(bytes).await.unwrap_err(), expected, "{name}");
    }
}

/// A PNG that ends in the middle of its pixels.
fn cut_off() -> Vec<u8> {
    let noise = RgbImage::from_fn(300, 300, |x, y| Rgb([(x * 7 + y * 13) as u8, (x * y) as u8, (x ^ y) as u8]));
    let mut bytes = encoded(&noise, ImageFormat::Png);
    bytes.truncate(bytes.len() / 2);
    bytes
}

/// A PNG whose header announces these dimensions, over the pixels of a small one.
fn announcing(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = encoded(&RgbImage::from_pixel(1, 1, RED), ImageFormat::Png);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = crc32(&bytes[12..29]).to_be_bytes();
    bytes[29..33].copy_from_slice(&checksum);
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[tokio::test]
async fn what_would_be_huge_is_refused_before_it_is_made() {
    for (width, height) in [(25_165_825, 128), (5_017, 5_017), (1_000_000, 1_000_000)] {
        assert_eq!(square(announcing(width, height)).await.unwrap_err(), PictureError::Failed, "{width}x{height}");
    }
    // One pixel fewer a side is looked at, and found wanting.
    assert_eq!(square(announcing(5_016, 5_016)).await.unwrap_err(), PictureError::Failed);
}

#[tokio::test]
async fn a_jpeg_of_countless_scans_is_refused() {
    let mut bytes = encoded(&two_halves(200, 200), ImageFormat::Jpeg);
    let scan = bytes.windows(2).position(|pair| pair == b"\xff\xda").unwrap();
    let tail = bytes.split_off(scan);
    for _ in 0..101 {
        bytes.extend_from_slice(&tail[..tail.len() - 2]);
    }
    bytes.extend_from_slice(b"\xff\xd9");
    assert_eq!(square(bytes).await.unwrap_err(), PictureError::Failed);
}

#[test]
fn a_name_hides_whose_it_is_and_names_what_it_shows() {
    let name = picture_key(&[1; 32], b"agent 1", b"picture");
    assert_eq!(name, picture_key(&[1; 32], b"agent 1", b"picture"));
    let (subject, file) = name.split_once('/').unwrap();
    assert_eq!((subject.len(), file.len()), (16, 32 + ".webp".len()));
    assert!(file.ends_with(".webp"));
    let other_picture = picture_key(&[1; 32], b"agent 1", b"another");
    assert!(other_picture.starts_with(subject) && !other_picture.ends_with(file));
    let other_agent = picture_key(&[1; 32], b"agent 2", b"picture");
    assert!(!other_agent.starts_with(subject) && other_agent.ends_with(file));
    assert!(!picture_key(&[2; 32], b"agent 1", b"picture").starts_with(subject));
}

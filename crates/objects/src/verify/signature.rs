//! What the first bytes of a file say it is.

/// Bytes that tell all types apart.
pub(super) const HEAD: usize = 64;

/// A type that is known by how it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signature {
    Png,
    Jpeg,
    Gif,
    WebP,
    Pdf,
    Ogg,
    WebM,
    Mp4,
    Wav,
    Mpeg,
}

/// Brands of other formats that share MP4's box structure.
const NOT_MP4: [&[u8]; 8] = [b"qt  ", b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1"];

impl Signature {
    pub(super) fn of(content_type: &str) -> Option<Self> {
        Some(match content_type {
            "image/png" => Self::Png,
            "image/jpeg" => Self::Jpeg,
            "image/gif" => Self::Gif,
            "image/webp" => Self::WebP,
            "application/pdf" => Self::Pdf,
            "audio/ogg" => Self::Ogg,
            "video/webm" => Self::WebM,
            "video/mp4" => Self::Mp4,
            "audio/wav" => Self::Wav,
            "audio/mpeg" => Self::Mpeg,
            _ => return None,
        })
    }

    /// Whether a file with this head is one.
    pub(super) fn begins(self, head: &[u8]) -> bool {
        match self {
            Self::Png => head.starts_with(b"\x89PNG\r\n\x1a\n"),
            Self::Jpeg => head.starts_with(b"\xff\xd8\xff"),
            Self::Gif => head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a"),
            Self::WebP => riff(head, b"WEBP"),
            Self::Pdf => head.starts_with(b"%PDF-"),
            Self::Ogg => head.starts_with(b"OggS"),
            Self::WebM => head.starts_with(b"\x1a\x45\xdf\xa3") && !is_other_matroska(head),
            Self::Mp4 => head.get(4..8) == Some(b"ftyp") && !NOT_MP4.iter().any(|brand| head.get(8..12) == Some(brand)),
            Self::Wav => riff(head, b"WAVE"),
            Self::Mpeg => head.starts_with(b"ID3") || is_mpeg_frame(head),
        }
    }
}

fn riff(head: &[u8], form: &[u8; 4]) -> bool {
    head.starts_with(b"RIFF") && head.get(8..12) == Some(form)
}

/// The head names a document type (element 0x4282, a byte of length), and it is not WebM.
fn is_other_matroska(head: &[u8]) -> bool {
    let named = head.windows(2).position(|pair| pair == b"\x42\x82");
    named.is_some_and(|at| !head[at + 2..].get(1..).is_some_and(|name| name.starts_with(b"webm")))
}

/// Eleven bits of sync, a version and a layer that exist, a bit rate and a sampling rate that are no reserved values.
fn is_mpeg_frame(head: &[u8]) -> bool {
    let &[first, second, third, ..] = head else { return false };
    let synced = first == 0xff && second & 0xe0 == 0xe0;
    let (version, layer) = (second >> 3 & 3, second >> 1 & 3);
    synced && version != 1 && layer != 0 && third >> 4 != 15 && third >> 2 & 3 != 3
}

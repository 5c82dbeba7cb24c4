//! Whether uploads are what was declared, however they are cut.

use agentchat_objects::{Declaration, Mismatch, Verifier};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

fn declared(content_type: &str, bytes: &[u8]) -> Declaration {
    let sha256 = Sha256::digest(bytes).into();
    Declaration { size: bytes.len() as u64, sha256, content_type: content_type.into() }
}

/// The verdict on bytes that come in pieces of this length.
fn verdict(declaration: &Declaration, bytes: &[u8], piece: usize) -> Result<(), Mismatch> {
    let mut verifier = Verifier::new(declaration);
    for chunk in bytes.chunks(piece) {
        verifier.push(chunk)?;
    }
    verifier.finish()
}

fn is_one(content_type: &str, bytes: &[u8]) -> bool {
    let verdicts = [1, 3, 4096].map(|piece| verdict(&declared(content_type, bytes), bytes, piece));
    assert!(verdicts.iter().all(|one| *one == verdicts[0]), "cut differently, {content_type} is something else");
    assert!(matches!(verdicts[0], Ok(()) | Err(Mismatch::ContentType)), "{verdicts:?}");
    verdicts[0].is_ok()
}

#[test]
fn size_goes_before_hash_and_hash_before_type() {
    let png = declared("image/png", b"no picture");
    assert_eq!(verdict(&png, b"no picture", 4), Err(Mismatch::ContentType));
    assert_eq!(verdict(&png, b"no pictura", 4), Err(Mismatch::Sha256));
    assert_eq!(verdict(&png, b"no", 4), Err(Mismatch::Size));
    assert_eq!(verdict(&png, b"no picture at all", 4), Err(Mismatch::Size));
    assert_eq!(
        [Mismatch::Size, Mismatch::Sha256, Mismatch::ContentType].map(Mismatch::field),
        ["size", "sha256", "content_type"]
    );
}

#[test]
fn more_than_was_declared_is_refused_as_soon_as_it_comes() {
    let mut verifier = Verifier::new(&declared("text/plain", b"ab"));
    assert_eq!(verifier.push(b"ab"), Ok(()));
    assert_eq!(verifier.push(b"c"), Err(Mismatch::Size));
}

#[test]
fn a_type_is_known_by_its_first_bytes() {
    let signed: [(&str, &[u8]); 14] = [
        ("image/png", b"\x89PNG\r\n\x1a\n...."),
        ("image/jpeg", b"\xff\xd8\xff\xe0...."),
        ("image/gif", b"GIF89a...."),
        ("image/gif", b"GIF87a...."),
        ("image/webp", b"RIFF\x04\0\0\0WEBPVP8 "),
        ("application/pdf", b"%PDF-1.7\n"),
        ("audio/ogg", b"OggS\0\x02"),
        ("video/webm", b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm"),
        ("video/webm", b"\x1a\x45\xdf\xa3\x01\x02"),
        ("video/mp4", b"\0\0\0\x18ftypisom\0\0\x02\0"),
        ("audio/wav", b"RIFF\x04\0\0\0WAVEfmt "),
        ("audio/mpeg", b"ID3\x04\0\0"),
        ("audio/mpeg", b"\xff\xfb\x90\x00"),
        ("audio/mpeg", b"\xff\xf3\x18\xc4"),
    ];
    for (content_type, bytes) in signed {
        assert!(is_one(content_type, bytes), "{content_type}");
        for (other, _) in signed.iter().filter(|(other, _)| *other != content_type) {
            assert!(!is_one(other, bytes), "{content_type} taken for {other}");
        }
    }
}

#[test]
fn look_alikes_are_something_else() {
    let others: [(&str, &[u8]); 10] = [
        ("video/webm", b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x88matroska"),
        ("video/mp4", b"\0\0\0\x18ftypavif"),
        ("video/mp4", b"\0\0\0\x18ftypqt  "),
        ("audio/mpeg", b"\xff\xf1\x50\x80"), // AAC
        ("audio/mpeg", b"\xff\xfb"),
        ("audio/wav", b"RIFF\x04\0\0\0WEBP"),
        ("image/png", b"\x89PNG"),
        ("image/svg+xml", b"<svg/>"),
        ("text/html", b"<p>"),
        ("", b"x"),
    ];
    for (content_type, bytes) in others {
        assert!(!is_one(content_type, bytes), "{content_type}");
    }
}

#[test]
fn text_is_utf8_without_nul() {
    for content_type in ["text/plain", "text/markdown", "text/csv"] {
        assert!(is_one(content_type, "Grüße, 世界 🦀".as_bytes()));
        let wrong: [&[u8]; 6] =
            [b"a\0b", b"\xff", b"caf\xe9", "🦀".as_bytes().split_at(3).0, b"\xed\xa0\x80", b"\xc0\x80"];
        for bytes in wrong {
            assert!(!is_one(content_type, bytes), "{bytes:?}");
        }
    }
}

#[test]
fn json_is_nested_128_levels_at_the_most() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(is_one("application/json", nested(128).as_bytes()));
    assert!(!is_one("application/json", nested(129).as_bytes()));
    let objects = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    assert!(is_one("application/json", objects(128).as_bytes()));
    assert!(!is_one("application/json", objects(129).as_bytes()));
}

#[test]
fn json_is_what_the_grammar_says() {
    for right in [
        "1",
        "-0.5e+10",
        "\"\\u00e9\\n\"",
        "true",
        " null ",
        "[]",
        "{}",
        "[1,2,[{}]]",
        "{\"a\":[1,{\"b\":\"]\"}],\"c\":0}",
    ] {
        assert!(is_one("application/json", right.as_bytes()), "{right}");
    }
    for wrong in [
        " ",
        "01",
        "1.",
        ".5",
        "1e",
        "+1",
        "--1",
        "tru",
        "True",
        "nul",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1,}",
        "[1",
        "1]",
        "[}",
        "{]",
        "\"a",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "1 2",
        "'a'",
        "NaN",
        "\u{feff}1",
        "[1]//",
        "\"a\0\"",
    ] {
        assert!(!is_one("application/json", wrong.as_bytes()), "{wrong:?}");
    }
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(","),
        Just(":"),
        Just("\"a\""),
        Just("\""),
        Just("\\u00e9"),
        Just("1"),
        Just("-0"),
        Just("0.5"),
        Just("e3"),
        Just("true"),
        Just("null"),
        Just(" "),
        Just("é"),
        Just("\\"),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// Another parser says the same of whatever is nearly JSON.
    #[test]
    fn json_is_judged_as_others_judge_it(text in pieces()) {
        let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        prop_assert_eq!(is_one("application/json", text.as_bytes()), theirs, "{}", text);
    }

    #[test]
    fn text_is_judged_as_the_language_judges_it(bytes in prop::collection::vec(any::<u8>(), 1..20)) {
        let theirs = std::str::from_utf8(&bytes).is_ok_and(|text| !text.contains('\0'));
        prop_assert_eq!(is_one("text/plain", &bytes), theirs);
    }
}

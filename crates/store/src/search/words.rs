//! Texts as words. Both engines are given these and nothing else, and what is found is marked by them, so that all agree.
//!
//! A word is a run of letters and digits within one word of the text as Unicode divides it (UAX 29; of scripts without
//! spaces each character is one). It is compared in lower case, without diacritics and in compatibility form, and only
//! by its first [`WORD_BYTES`] bytes. `snake_case`, `v1.2` and `can't` are two words each, standing side by side.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, is_combining_mark};
use unicode_segmentation::UnicodeSegmentation;

/// Bytes of a word that count.
pub const WORD_BYTES: usize = 64;

/// Calls `found` with every word of a text, in order: where it stands (bytes) and how it is compared.
pub fn each_word(text: &str, mut found: impl FnMut(Range<usize>, &str)) {
    let mut folded = String::with_capacity(WORD_BYTES);
    if text.is_ascii() {
        return each_run(text, 0, &mut folded, &mut found);
    }
    for (start, segment) in text.unicode_word_indices() {
        each_run(segment, start, &mut folded, &mut found);
    }
}

/// All words of a text, as they are compared.
pub fn words(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    each_word(text, |_, word| all.push(word.to_owned()));
    all
}

/// The runs of letters and digits of a segment that begins at `offset`.
fn each_run(segment: &str, offset: usize, folded: &mut String, found: &mut impl FnMut(Range<usize>, &str)) {
    let mut run: Option<Range<usize>> = None;
    for (at, character) in segment.char_indices() {
        let end = at + character.len_utf8();
        match &mut run {
            Some(run) if belongs(character) => run.end = end,
            None if character.is_alphanumeric() => run = Some(at..end),
            _ => emit(segment, run.take(), offset, folded, found),
        }
    }
    emit(segment, run, offset, folded, found);
}

fn emit(
    segment: &str,
    run: Option<Range<usize>>,
    offset: usize,
    folded: &mut String,
    found: &mut impl FnMut(Range<usize>, &str),
) {
    let Some(run) = run else { return };
    fold(&segment[run.clone()], folded);
    if !folded.is_empty() {
        found(offset + run.start..offset + run.end, folded);
    }
}

/// Whether a character goes on with a word that has begun.
fn belongs(character: char) -> bool {
    character.is_alphanumeric() || is_combining_mark(character) || is_invisible(character)
}

/// Soft hyphens, joiners and marks of direction.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// A word as it is compared.
fn fold(word: &str, folded: &mut String) {
    folded.clear();
    if word.is_ascii() {
        folded.push_str(word);
        folded.make_ascii_lowercase();
    } else {
        let bare = word.nfkd().filter(|character| canonical_combining_class(*character) == 0);
        let lower = bare.flat_map(char::to_lowercase).filter(|character| character.is_alphanumeric());
        // A sigma is one, wherever it stands.
        folded.extend(lower.map(|character| if character == 'ς' { 'σ' } else { character }).nfc());
    }
    folded.truncate(folded.floor_char_boundary(WORD_BYTES));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_digits_make_words() {
        assert_eq!(words("Hello, world!"), ["hello", "world"]);
        assert_eq!(words("snake_case v1.2 can't a-b/c"), ["snake", "case", "v1", "2", "can", "t", "a", "b", "c"]);
        assert_eq!(words("  …!? 🎉 -- "), Vec::<String>::new());
        assert_eq!(words(""), Vec::<String>::new());
    }

    #[test]
    fn case_diacritics_and_forms_do_not_count() {
        assert_eq!(words("Crème BRÛLÉE Straße Ångström"), ["creme", "brulee", "straße", "angstrom"]);
        assert_eq!(words("cre\u{300}me ﬁne ＡＢＣ İstanbul ½"), ["creme", "fine", "abc", "istanbul", "12"]);
        assert_eq!(words("ΟΔΟΣ οδός"), ["οδοσ", "οδοσ"]);
        assert_eq!(words("soft\u{ad}ware Ёлка"), ["software", "елка"]);
    }

    #[test]
    fn scripts_without_spaces_are_divided_into_characters() {
        assert_eq!(words("東京へ行く"), ["東", "京", "へ", "行", "く"]);
        assert_eq!(words("한국어 도움"), ["한국어", "도움"]);
    }

    #[test]
    fn words_stand_where_they_say() {
        let text = "Já: «crème» e 3,5 — ﬁm";
        let mut found = Vec::new();
        each_word(text, |at, word| found.push((text[at].to_owned(), word.to_owned())));
        let expected = [("Já", "ja"), ("crème", "creme"), ("e", "e"), ("3", "3"), ("5", "5"), ("ﬁm", "fim")];
        assert_eq!(found, expected.map(|(text, word)| (text.to_owned(), word.to_owned())));
    }

    #[test]
    fn only_the_beginning_of_a_long_word_counts() {
        assert_eq!(words(&"x".repeat(500)), ["x".repeat(64)]);
        // Three bytes each: 21 fit.
        assert_eq!(words(&"ア".repeat(50)), ["ア".repeat(21)]);
    }

    #[test]
    fn a_word_is_a_word_of_itself() {
        for text in ["Crème İI ς ½ ﷺ ǅ ﬀ 東 क्या", "ⅷ ＿x＿ 1️⃣ e\u{301}\u{301}"] {
            for word in words(text) {
                assert_eq!(words(&word).concat(), word, "{text}");
                assert!(word.chars().all(char::is_alphanumeric), "{word:?}");
            }
        }
    }
}

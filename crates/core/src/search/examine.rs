//! A message's texts held against a query, and what is shown of them.

use std::ops::Range;

use agentchat_store::search::{each_word, texts};

use super::query::{Query, Term};

/// Characters shown, about.
const LENGTH: usize = 160;
/// Characters of them before the first hit, at the most.
const BEFORE: usize = 40;

/// What is shown of a hit: a piece of text, and where in it (in characters) the hits are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Excerpt {
    pub(super) snippet: String,
    pub(super) highlights: Vec<Range<usize>>,
}

/// A text and its words: where they stand (bytes) and how they are compared.
struct Divided {
    text: String,
    words: Vec<(Range<usize>, String)>,
}

/// What is shown of a message, if it holds what is looked for.
pub(super) fn examine(content: &str, query: &Query) -> Option<Excerpt> {
    let divided: Vec<Divided> = texts(content).into_iter().map(Divided::of).collect();
    let holds = |term: &Term| divided.iter().any(|text| text.hits(term).next().is_some());
    if query.unwanted.iter().any(holds) || !query.wanted.iter().all(holds) {
        return None;
    }
    divided.iter().find_map(|text| {
        let mut hits: Vec<_> = query.wanted.iter().flat_map(|term| text.hits(term)).collect();
        hits.sort_unstable_by_key(|hit| (hit.start, hit.end));
        (!hits.is_empty()).then(|| excerpt(&text.text, &hits))
    })
}

impl Divided {
    fn of(text: String) -> Self {
        let mut words = Vec::new();
        each_word(&text, |at, word| words.push((at, word.to_owned())));
        Self { text, words }
    }

    /// Where a term stands.
    fn hits<'a>(&'a self, term: &'a Term) -> impl Iterator<Item = Range<usize>> + 'a {
        let length = term.words.len();
        self.words
            .windows(length)
            .filter(move |window| is_hit(window, term))
            .map(move |window| window[0].0.start..window[length - 1].0.end)
    }
}

fn is_hit(window: &[(Range<usize>, String)], term: &Term) -> bool {
    let last = term.words.len() - 1;
    window.iter().zip(&term.words).enumerate().all(|(place, ((_, found), wanted))| match term.prefix && place == last {
        true => found.starts_with(wanted.as_str()),
        false => found == wanted,
    })
}

/// Around the first of the hits, which are in order.
fn excerpt(text: &str, hits: &[Range<usize>]) -> Excerpt {
    let window = window(text, &hits[0]);
    let mut snippet = String::new();
    if window.start > 0 {
        snippet.push('…');
    }
    let shift = snippet.chars().count();
    snippet.push_str(&text[window.clone()]);
    if window.end < text.len() {
        snippet.push('…');
    }
    let place = |at: usize| shift + text[window.start..at].chars().count();
    let mut highlights: Vec<Range<usize>> = Vec::new();
    for hit in hits.iter().filter(|hit| hit.start >= window.start && hit.end <= window.end) {
        let (start, end) = (place(hit.start), place(hit.end));
        match highlights.last_mut() {
            Some(last) if start < last.end => last.end = last.end.max(end),
            _ => highlights.push(start..end),
        }
    }
    Excerpt { snippet, highlights }
}

/// Which bytes of the text are shown; it begins and ends between words where that is near.
fn window(text: &str, hit: &Range<usize>) -> Range<usize> {
    let start = text[..hit.start].char_indices().rev().nth(BEFORE - 1).map_or(0, |(at, _)| at);
    let gap = text[start..hit.start].find(char::is_whitespace).filter(|_| start > 0);
    let start = gap.map_or(start, |gap| start + gap);
    let start = hit.start - text[start..hit.start].trim_start().len();
    let end = text[start..].char_indices().nth(LENGTH).map_or(text.len(), |(at, _)| start + at).max(hit.end);
    let gap = text[hit.end..end].rfind(char::is_whitespace).filter(|_| end < text.len());
    let end = gap.map_or(end, |gap| hit.end + gap);
    start..start + text[start..end].trim_end().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, query: &str) -> Option<String> {
        let content = serde_json::json!({ "text": text }).to_string();
        let excerpt = examine(&content, &Query::parse(query).unwrap())?;
        let characters: Vec<char> = excerpt.snippet.chars().collect();
        let mut out = String::new();
        for (place, character) in characters.iter().enumerate() {
            out.extend(excerpt.highlights.iter().filter(|hit| hit.start == place).map(|_| '['));
            out.push(*character);
            out.extend(excerpt.highlights.iter().filter(|hit| hit.end == place + 1).map(|_| ']'));
        }
        Some(out)
    }

    #[test]
    fn hits_are_marked_as_they_were_written() {
        assert_eq!(shown("the harbour at dawn", "HARB*").unwrap(), "the [harbour] at dawn");
        assert_eq!(shown("Zwei Crèmes, eine Crème 🎉 crème", "creme").unwrap(), "Zwei Crèmes, eine [Crème] 🎉 [crème]");
        assert_eq!(shown("one two three two", r#""one two" two"#).unwrap(), "[one two] three [two]");
        assert_eq!(shown("in 東京へ", "東京").unwrap(), "in [東京]へ");
    }

    #[test]
    fn all_must_occur_and_nothing_that_must_not() {
        assert_eq!(shown("one two three", r#""one three""#), None);
        assert_eq!(shown("one two three", "one four"), None);
        assert_eq!(shown("one two three", r#"one -"two three""#), None);
        assert_eq!(shown("one two three", r#"one -"three two""#).unwrap(), "[one] two three");
        assert_eq!(shown("one two three", "one -thr*"), None);
    }

    #[test]
    fn a_long_text_is_cut_around_the_first_hit() {
        let text = format!("{}needle {}", "lorem ipsum ".repeat(30), "dolor sit ".repeat(30));
        let shown = shown(&text, "needle").unwrap();
        assert!(
            shown.starts_with("…lorem ipsum") && shown.contains(" [needle] dolor") && shown.ends_with('…'),
            "{shown}"
        );
        let length = shown.chars().count();
        assert!((140..=166).contains(&length), "{length}");
    }

    #[test]
    fn words_may_stand_in_different_texts() {
        let content = r#"{"text":"alpha","data":{"note":"beta gamma"}}"#;
        let hit = |query: &str| examine(content, &Query::parse(query).unwrap()).map(|excerpt| excerpt.snippet);
        assert_eq!(hit("alpha gamma").as_deref(), Some("alpha"));
        assert_eq!(hit("gamma").as_deref(), Some("beta gamma"));
        assert_eq!(hit(r#""alpha beta""#), None);
    }
}

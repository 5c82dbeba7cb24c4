//! The language of queries: words, `"a phrase"`, `-word`, `prefix*`; everything else stands for itself.

use agentchat_store::search::{Asked, words};

/// What is looked for. Of what was written as one (`foo-bar`, `東京`) the words have to stand side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub(super) wanted: Vec<Term>,
    pub(super) unwanted: Vec<Term>,
}

/// Words side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    /// At least one.
    pub(super) words: Vec<String>,
    /// The last word may go on.
    pub(super) prefix: bool,
}

impl Query {
    /// Reads a query; what is wrong with it otherwise.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let mut query = Self { wanted: Vec::new(), unwanted: Vec::new() };
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (negative, body) = rest.strip_prefix('-').map_or((false, rest), |body| (true, body));
            let (term, after) = term(body);
            if let Some(term) = term {
                let list = if negative { &mut query.unwanted } else { &mut query.wanted };
                list.push(term);
            }
            rest = after.trim_start();
        }
        match (query.wanted.is_empty(), query.unwanted.is_empty()) {
            (false, _) => Ok(query),
            (true, true) => Err("Give at least one word"),
            (true, false) => Err("Give at least one word without `-`"),
        }
    }

    /// Words every hit holds.
    pub fn words(&self) -> Vec<Asked> {
        self.wanted.iter().flat_map(Term::asked).collect()
    }

    /// Words no hit holds; of phrases the index knows nothing.
    pub fn without(&self) -> Vec<Asked> {
        self.unwanted.iter().filter(|term| term.words.len() == 1).flat_map(Term::asked).collect()
    }
}

impl Term {
    fn asked(&self) -> impl Iterator<Item = Asked> {
        let last = self.words.len() - 1;
        self.words
            .iter()
            .enumerate()
            .map(move |(place, word)| Asked { word: word.clone(), prefix: self.prefix && place == last })
    }
}

/// The first term of a text, and what comes behind it.
fn term(text: &str) -> (Option<Term>, &str) {
    if let Some((phrase, rest)) = text.strip_prefix('"').and_then(|body| body.split_once('"')) {
        return (of(phrase, false), rest);
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (token, rest) = text.split_at(end);
    let stem = token.strip_suffix('*').filter(|stem| stem.chars().next_back().is_some_and(char::is_alphanumeric));
    (of(stem.unwrap_or(token), stem.is_some()), rest)
}

fn of(text: &str, prefix: bool) -> Option<Term> {
    let words = words(text);
    (!words.is_empty()).then_some(Term { words, prefix })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(text: &str) -> String {
        let term = |term: &Term| format!("{}{}", term.words.join("+"), if term.prefix { "*" } else { "" });
        match Query::parse(text) {
            Ok(query) => {
                let unwanted = query.unwanted.iter().map(|one| format!("-{}", term(one)));
                query.wanted.iter().map(term).chain(unwanted).collect::<Vec<_>>().join(" ")
            }
            Err(problem) => problem.to_owned(),
        }
    }

    #[test]
    fn words_phrases_prefixes_and_what_must_not_occur() {
        assert_eq!(spelled("Red  blue"), "red blue");
        assert_eq!(spelled(r#""in the red" -blue dep* -st*"#), "in+the+red dep* -blue -st*");
        assert_eq!(spelled(r#"x -"a phrase""#), "x -a+phrase");
        assert_eq!(spelled("foo-bar v1.2*"), "foo+bar v1+2*");
        assert_eq!(spelled("東京"), "東+京");
    }

    #[test]
    fn everything_else_stands_for_itself() {
        assert_eq!(spelled(r#"a "b c"#), "a b c");
        assert_eq!(spelled("AND OR (x) y^2 a:b * - -- !*"), "and or x y+2 a+b");
        assert_eq!(spelled("a*b"), "a+b");
    }

    #[test]
    fn something_must_be_looked_for() {
        assert_eq!(spelled(" 🎉 … "), "Give at least one word");
        assert_eq!(spelled("-only"), "Give at least one word without `-`");
    }
}

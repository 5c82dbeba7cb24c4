//! What is asked of the index, and how each engine is asked.

use super::entry::{Place, sender_mark};
use crate::key::{AgentKey, MessageKey};

/// A word that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// As [`super::words`] yields it.
    pub word: String,
    /// Words that begin with it will do.
    pub prefix: bool,
}

/// Asks for messages that hold all `words` and none of `without`, in one of `places`, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// At least one.
    pub words: Vec<Asked>,
    pub without: Vec<Asked>,
    /// At least one.
    pub places: Vec<Place>,
    pub sender: Option<AgentKey>,
    /// Only messages above this one,
    pub above: MessageKey,
    /// and below this one.
    pub below: MessageKey,
    pub limit: usize,
}

impl Lookup {
    /// For FTS5. Nothing of it has to be escaped: words are letters and digits, marks are ours.
    pub(crate) fn fts5(&self) -> String {
        let word = |asked: &Asked| format!("\"{}\"{}", asked.word, if asked.prefix { "*" } else { "" });
        let mark = |mark: String| format!("\"{mark}\"");
        self.spell(word, mark, " AND ", " OR ", " NOT ")
    }

    /// For `tsquery`.
    pub(crate) fn tsquery(&self) -> String {
        let word = |asked: &Asked| format!("'{}'{}", asked.word, if asked.prefix { ":*" } else { "" });
        let mark = |mark: String| format!("'{mark}'");
        self.spell(word, mark, " & ", " | ", " & !")
    }

    fn spell(
        &self,
        word: impl Fn(&Asked) -> String,
        mark: impl Fn(String) -> String,
        and: &str,
        or: &str,
        but_not: &str,
    ) -> String {
        let places: Vec<String> = self.places.iter().map(|place| mark(place.mark())).collect();
        let places = format!("({})", places.join(or));
        let sender = self.sender.map(|sender| mark(sender_mark(sender)));
        let all: Vec<String> = self.words.iter().map(&word).chain([places]).chain(sender).collect();
        let without: Vec<String> = self.without.iter().map(word).collect();
        let all = format!("({})", all.join(and));
        if without.is_empty() { all } else { format!("{all}{but_not}({})", without.join(or)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::ConversationKey;

    #[test]
    fn both_engines_are_asked_the_same() {
        let asked = |word: &str, prefix| Asked { word: word.into(), prefix };
        let lookup = Lookup {
            words: vec![asked("red", false), asked("foo", true)],
            without: vec![asked("blue", false), asked("x", true)],
            places: vec![Place::DirectOf(AgentKey(7)), Place::Conversation(ConversationKey(9))],
            sender: Some(AgentKey(3)),
            above: MessageKey(0),
            below: MessageKey(i64::MAX),
            limit: 20,
        };
        assert_eq!(lookup.fts5(), r#"("red" AND "foo"* AND ("_a7" OR "_c9") AND "_s3") NOT ("blue" OR "x"*)"#);
        assert_eq!(lookup.tsquery(), "('red' & 'foo':* & ('_a7' | '_c9') & '_s3') & !('blue' | 'x':*)");
    }
}

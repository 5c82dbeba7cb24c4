//! One line about a conversation's last message, for lists.

use crate::message::MessageType;

const MAX_CHARS: usize = 140;

/// The preview of a message of `kind` with that `content.text`; `None` when there is nothing to show.
pub fn of(kind: &MessageType, text: Option<&str>) -> Option<String> {
    match kind {
        MessageType::File => Some("Attachment".into()),
        MessageType::Structured => Some("[structured]".into()),
        MessageType::System => Some("System update".into()),
        MessageType::Text | MessageType::Unknown(_) => text.and_then(shorten),
    }
}

/// White space collapsed and trimmed; 140 characters, or 139 and an ellipsis.
fn shorten(text: &str) -> Option<String> {
    let mut line = String::new();
    let mut count = 0;
    for word in text.split_whitespace() {
        let gap = usize::from(count > 0);
        line.extend(std::iter::repeat_n(' ', gap));
        line.push_str(word);
        count += gap + word.chars().count();
        if count > MAX_CHARS {
            break;
        }
    }
    if count > MAX_CHARS {
        let cut = line.char_indices().nth(MAX_CHARS - 1).map_or(line.len(), |(at, _)| at);
        line.truncate(cut);
        line.push('…');
    }
    (!line.is_empty()).then_some(line)
}

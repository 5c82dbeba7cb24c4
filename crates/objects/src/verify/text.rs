//! UTF-8 without U+0000, chunk by chunk.

/// Looks at a text as it comes.
#[derive(Debug, Default)]
pub(super) struct TextCheck {
    /// The beginning of a character whose rest is still to come, three bytes at the most.
    begun: Vec<u8>,
    wrong: bool,
}

impl TextCheck {
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        while !self.wrong && !self.begun.is_empty() && !bytes.is_empty() {
            let (next, rest) = bytes.split_at(1);
            self.begun.extend_from_slice(next);
            bytes = rest;
            let begun = std::mem::take(&mut self.begun);
            self.look(&begun);
        }
        if !self.wrong {
            self.look(bytes);
        }
    }

    pub(super) fn is_right(&self) -> bool {
        !self.wrong && self.begun.is_empty()
    }

    fn look(&mut self, bytes: &[u8]) {
        if bytes.contains(&0) {
            self.wrong = true;
        } else if let Err(error) = std::str::from_utf8(bytes) {
            match error.error_len() {
                Some(_) => self.wrong = true,
                None => self.begun.extend_from_slice(&bytes[error.valid_up_to()..]),
            }
        }
    }
}

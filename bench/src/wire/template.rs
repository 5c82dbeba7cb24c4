//! A send whose bytes are written once; only three numbers in it change from send to send.
//!
//! The message's text is `pair counter nanoseconds padding`, so the receiver knows without a
//! table who sent it, which one it is and when it left. The padding is words, of each pair others:
//! one long word would spare the server's index its work.

use super::scan;

const COUNTER: &str = "000000000001";
const STAMP: &str = "0000000000000002";
const COUNTER_MARK: &str = "<<counter->>";
const STAMP_MARK: &str = "<<nanoseconds>>.";

/// What the text of a generated message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Index of the pair of agents.
    pub pair: usize,
    /// Number of the send within the pair, from 0.
    pub counter: u64,
    /// When it left, in nanoseconds of the generator's clock.
    pub nanos: u64,
}

impl Stamp {
    /// Reads the text of a frame or a row; none when the message is not one of ours.
    #[must_use]
    pub fn find(text: &[u8]) -> Option<Self> {
        let value = scan::after(text, b"\"text\":\"")?;
        Self::read(value)
    }

    /// The text that says this, `bytes` long.
    #[must_use]
    pub fn text(&self, bytes: usize) -> String {
        let Self { pair, counter, nanos } = self;
        let text = format!("{pair:0PAIR_DIGITS$} {counter:012} {nanos:016} ");
        let padding = padding(*pair, bytes.saturating_sub(text.len()));
        text + &padding
    }

    /// Reads the text itself.
    #[must_use]
    pub fn read(value: &[u8]) -> Option<Self> {
        let counter_at = PAIR_DIGITS + 1;
        let stamp_at = counter_at + COUNTER.len() + 1;
        Some(Self {
            pair: usize::try_from(scan::decimal(value.get(..PAIR_DIGITS)?)?).ok()?,
            counter: scan::decimal(value.get(counter_at..counter_at + COUNTER.len())?)?,
            nanos: scan::decimal(value.get(stamp_at..stamp_at + STAMP.len())?)?,
        })
    }
}

const PAIR_DIGITS: usize = 5;

/// The bytes of a send, ready but for its counter and its time.
#[derive(Debug)]
pub struct Template {
    bytes: Vec<u8>,
    counters: Vec<usize>,
    stamps: Vec<usize>,
}

impl Template {
    /// Takes what `wrap` makes of the JSON body's members, which begin with `"to"`, or `"conversation_id"` when `to` is a
    /// group's id (no braces).
    pub fn new(pair: usize, to: &str, text_bytes: usize, run: &str, wrap: impl Fn(&str) -> Vec<u8>) -> Self {
        let text = format!("{pair:0PAIR_DIGITS$} {COUNTER_MARK} {STAMP_MARK} ");
        let padding = padding(pair, text_bytes.saturating_sub(text.len()));
        let target = if to.starts_with("grp_") { "conversation_id" } else { "to" };
        let members = format!(
            r#""{target}":"{to}","client_msg_id":"{run}-{pair}-{COUNTER_MARK}","content":{{"text":"{text}{padding}"}}"#
        );
        let bytes = wrap(&members);
        let counters = memchr::memmem::find_iter(&bytes, COUNTER_MARK).collect();
        let stamps = memchr::memmem::find_iter(&bytes, STAMP_MARK).collect();
        Self { bytes, counters, stamps }
    }

    /// Writes counter and time into the bytes and returns them.
    pub fn stamp(&mut self, counter: u64, nanos: u64) -> &[u8] {
        for &at in &self.counters {
            write_digits(&mut self.bytes[at..at + COUNTER.len()], counter);
        }
        for &at in &self.stamps {
            write_digits(&mut self.bytes[at..at + STAMP.len()], nanos);
        }
        &self.bytes
    }
}

/// Words of two to nine letters, a vowel in every second place.
fn padding(pair: usize, bytes: usize) -> String {
    const LETTERS: [&[u8]; 2] = [b"bcdfghklmnprstvz", b"aeioaeiuaeioaeou"];
    let mut state = pair as u64;
    let mut draw = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut text = String::with_capacity(bytes);
    let mut left = 0;
    while text.len() < bytes {
        let letter = LETTERS[left % 2][draw(16)];
        // No text ends with a space.
        let between = left == 0 && !text.is_empty() && text.len() + 1 < bytes;
        text.push(if between { ' ' } else { char::from(letter) });
        left = if left == 0 { 2 + draw(8) } else { left - 1 };
    }
    text
}

fn write_digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamped_send_can_be_read_back() {
        let mut template = Template::new(17, "r-17", 200, "run", |members| format!("{{{members}}}").into_bytes());
        let bytes = template.stamp(123, 456_789).to_vec();
        let expected = Stamp { pair: 17, counter: 123, nanos: 456_789 };
        assert_eq!(Stamp::find(&bytes), Some(expected));
        let body: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(body["client_msg_id"], "run-17-000000000123");
        assert_eq!(body["content"]["text"].as_str().unwrap().len(), 200);
    }

    #[test]
    fn a_text_made_at_once_is_the_same() {
        let stamp = Stamp { pair: 3, counter: 4, nanos: 5 };
        let text = stamp.text(200);
        assert_eq!((text.len(), Stamp::read(text.as_bytes())), (200, Some(stamp)));
    }

    #[test]
    fn the_padding_is_words_of_its_pair() {
        let (one, other) = (padding(1, 160), padding(2, 160));
        assert!(one != other && one == padding(1, 160));
        for bytes in 0..200 {
            let text = padding(7, bytes);
            assert!(text.len() == bytes && text.trim() == text && !text.contains("  "), "{text:?}");
            assert!(text.split(' ').all(|word| word.len() <= 11), "{text:?}");
        }
    }

    #[test]
    fn other_texts_are_not_stamps() {
        assert_eq!(Stamp::find(br#"{"content":{"text":"hello"}}"#), None);
    }
}

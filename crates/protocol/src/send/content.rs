//! The two opaque objects of a message, rewritten while they are passed.

use std::borrow::Cow;
use std::ops::Range;

use crate::scan::compact::Compact;
use crate::scan::{Fault, Literal, Scanner, Skip};

/// A checked, compact object.
#[derive(Debug, Default)]
pub(super) struct Payload {
    pub(super) text: String,
    /// Whether the text is its own canonical form.
    pub(super) canonical: bool,
}

const TOO_DEEP: &str = "Nested too deeply (64 levels at most)";

/// One complaint: the field and what is wrong with it.
pub(super) type Complaint = (&'static str, &'static str);

/// Reads `metadata`, which must be an object.
pub(super) fn metadata<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Result<Payload, Complaint>>, Fault> {
    if scanner.peek() != Some(b'{') {
        return not_an_object(scanner, ("metadata", "Expected an object"));
    }
    let mut compact = Compact::inside(0, 0);
    scanner.value(&mut compact)?;
    if compact.is_too_deep() {
        return Ok(Some(Err(("metadata", TOO_DEEP))));
    }
    let canonical = compact.is_ascending();
    Ok(Some(Ok(Payload { text: compact.into_out(), canonical })))
}

/// A `null` is nothing, anything else a complaint.
fn not_an_object<T>(scanner: &mut Scanner<'_>, complaint: Complaint) -> Result<Option<Result<T, Complaint>>, Fault> {
    let raw = scanner.value(&mut Skip::default())?;
    Ok((raw != "null").then_some(Err(complaint)))
}

/// `content`, its known members only.
#[derive(Debug)]
pub(super) struct Content<'a> {
    pub(super) payload: Payload,
    pub(super) text: Option<Cow<'a, str>>,
    pub(super) attachment_id: Option<Cow<'a, str>>,
}

/// The members that survive, in the order of their keys.
const KEYS: [&str; 3] = ["attachment_id", "data", "text"];
const ATTACHMENT_ID: usize = 0;
const DATA: usize = 1;
const TEXT: usize = 2;
const FIELDS: [&str; 3] = ["content.attachment_id", "content.data", "content.text"];

/// The last occurrence of one known member.
#[derive(Debug, Clone, Default)]
enum Slot<'a> {
    #[default]
    Absent,
    /// Where `"key":value` stands in the output, and the value if it is a string.
    Written(Range<usize>, Option<Literal<'a>>),
    WrongType,
}

/// Reads `content`, which must be an object with at least one known member.
pub(super) fn content<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Result<Content<'a>, Complaint>>, Fault> {
    if scanner.peek() != Some(b'{') {
        return not_an_object(scanner, ("content", "Expected an object"));
    }
    let mut reading = Reading { compact: Compact::inside(1, 256), slots: Default::default(), dropped: false };
    reading.compact.out().push('{');
    scanner.object(|scanner, key| reading.member(scanner, key))?;
    reading.compact.out().push('}');
    Ok(Some(reading.finish()))
}

struct Reading<'a> {
    compact: Compact<'a>,
    slots: [Slot<'a>; 3],
    /// Whether the output holds members that an equal key came after.
    dropped: bool,
}

impl<'a> Reading<'a> {
    fn member(&mut self, scanner: &mut Scanner<'a>, key: Literal<'a>) -> Result<(), Fault> {
        match KEYS.iter().position(|known| key.is(known)) {
            Some(slot) => self.known(slot, scanner, key),
            None => self.skip(scanner),
        }
    }

    fn skip(&mut self, scanner: &mut Scanner<'a>) -> Result<(), Fault> {
        let mut skip = Skip::default();
        scanner.value(&mut skip)?;
        self.compact.note_depth(skip.deepest);
        Ok(())
    }

    fn known(&mut self, slot: usize, scanner: &mut Scanner<'a>, key: Literal<'a>) -> Result<(), Fault> {
        self.dropped |= matches!(self.slots[slot], Slot::Written(..));
        let wanted = if slot == DATA { b'{' } else { b'"' };
        if scanner.peek() != Some(wanted) {
            let mut skip = Skip::default();
            let raw = scanner.value(&mut skip)?;
            self.compact.note_depth(skip.deepest);
            self.slots[slot] = if raw == "null" { Slot::Absent } else { Slot::WrongType };
            return Ok(());
        }
        let out = self.compact.out();
        if out.len() > 1 {
            out.push(',');
        }
        let start = out.len();
        out.push('"');
        out.push_str(key.raw());
        out.push_str("\":");
        let string = if slot == DATA {
            scanner.value(&mut self.compact)?;
            None
        } else {
            let string = scanner.string()?;
            let out = self.compact.out();
            out.push('"');
            out.push_str(string.raw());
            out.push('"');
            Some(string)
        };
        self.slots[slot] = Slot::Written(start..self.compact.out().len(), string);
        Ok(())
    }

    fn finish(mut self) -> Result<Content<'a>, Complaint> {
        if let Some(wrong) = self.slots.iter().position(|slot| matches!(slot, Slot::WrongType)) {
            return Err((FIELDS[wrong], if wrong == DATA { "Expected an object" } else { "Expected a string" }));
        }
        if self.compact.is_too_deep() {
            return Err(("content", TOO_DEEP));
        }
        let written = self.written();
        if written.is_empty() {
            return Err(("content", "Needs at least one of text, data, attachment_id"));
        }
        let ordered = written.iter().is_sorted_by_key(|range| range.start);
        let canonical = ordered && self.compact.is_ascending();
        let [attachment_id, _, text] = std::mem::take(&mut self.slots).map(string_of);
        let payload = Payload { text: self.assemble(written), canonical };
        Ok(Content { payload, text, attachment_id })
    }

    /// What is kept, in the order of the keys.
    fn written(&self) -> Vec<Range<usize>> {
        let range = |slot: &Slot<'a>| match slot {
            Slot::Written(range, _) => Some(range.clone()),
            _ => None,
        };
        self.slots.iter().filter_map(range).collect()
    }

    /// The output as it is, or without what was overridden.
    fn assemble(self, mut written: Vec<Range<usize>>) -> String {
        let out = self.compact.into_out();
        if !self.dropped {
            return out;
        }
        written.sort_unstable_by_key(|range| range.start);
        let parts: Vec<&str> = written.into_iter().map(|range| &out[range]).collect();
        format!("{{{}}}", parts.join(","))
    }
}

fn string_of(slot: Slot<'_>) -> Option<Cow<'_, str>> {
    match slot {
        Slot::Written(_, string) => string.map(Literal::decode),
        _ => None,
    }
}

const _: () = assert!(ATTACHMENT_ID == 0 && TEXT == 2, "finish() destructures the slots in this order");

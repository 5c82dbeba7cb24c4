//! Rewrites a value: no white space, no earlier duplicates, everything else as received.

use super::{Fault, Literal, Scanner, Sink};

/// The deepest that content and metadata may nest, the object itself being level 1.
pub(crate) const MAX_DEPTH: usize = 64;

/// In which order an object's members are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    AsReceived,
    ByKey,
}

/// The sink that rewrites.
#[derive(Debug)]
pub(crate) struct Compact<'a> {
    out: String,
    order: Order,
    depth: usize,
    too_deep: bool,
    /// Whether every object was met with its keys strictly ascending.
    ascending: bool,
    /// The open objects: where their members begin in `members`, and whether their keys ascend so far.
    objects: Vec<(usize, bool)>,
    members: Vec<Member<'a>>,
}

#[derive(Debug, Clone, Copy)]
struct Member<'a> {
    key: Literal<'a>,
    /// Where its key begins in the output.
    start: usize,
}

impl<'a> Compact<'a> {
    /// Begins inside `depth` open levels.
    pub(crate) fn inside(depth: usize, capacity: usize) -> Self {
        Self::ordered(Order::AsReceived, depth, capacity)
    }

    fn ordered(order: Order, depth: usize, capacity: usize) -> Self {
        Self {
            out: String::with_capacity(capacity),
            order,
            depth,
            too_deep: false,
            ascending: true,
            objects: Vec::new(),
            members: Vec::new(),
        }
    }

    /// Whether some place nests deeper than allowed; the output is useless then.
    pub(crate) fn is_too_deep(&self) -> bool {
        self.too_deep
    }

    /// Notes that a part which was not written nests so many levels.
    pub(crate) fn note_depth(&mut self, levels: usize) {
        self.too_deep |= self.depth + levels > MAX_DEPTH;
    }

    /// Whether the output is its own canonical form, as far as the walked values go.
    pub(crate) fn is_ascending(&self) -> bool {
        self.ascending
    }

    /// What was written so far; a caller may add text around values.
    pub(crate) fn out(&mut self) -> &mut String {
        &mut self.out
    }

    pub(crate) fn into_out(self) -> String {
        self.out
    }

    /// The object closes: drops earlier duplicates and, if asked, sorts.
    fn settle(&mut self, from: usize) {
        let members = &self.members[from..];
        let end = self.out.len();
        let range = |index: usize| {
            let next = members.get(index + 1).map_or(end, |member| member.start - 1);
            members[index].start..next
        };
        let mut kept = last_of_each_key(members);
        if self.order == Order::AsReceived {
            if kept.len() == members.len() {
                return;
            }
            kept.sort_unstable();
        }
        let mut rewritten = String::with_capacity(end - members[0].start);
        for (place, index) in kept.into_iter().enumerate() {
            if place > 0 {
                rewritten.push(',');
            }
            rewritten.push_str(&self.out[range(index)]);
        }
        self.out.truncate(members[0].start);
        self.out.push_str(&rewritten);
    }
}

/// The members that survive, by index, sorted by key.
fn last_of_each_key(members: &[Member<'_>]) -> Vec<usize> {
    let mut sorted: Vec<usize> = (0..members.len()).collect();
    // Stable, so that the last of equal keys is the last received.
    sorted.sort_by(|a, b| members[*a].key.order(members[*b].key));
    let same = |a: &usize, b: &usize| members[*a].key.order(members[*b].key).is_eq();
    sorted.chunk_by(same).filter_map(|equal| equal.last().copied()).collect()
}

impl<'a> Sink<'a> for Compact<'a> {
    fn open(&mut self, bracket: u8) {
        self.depth += 1;
        self.too_deep |= self.depth > MAX_DEPTH;
        if self.too_deep {
            return;
        }
        self.out.push(char::from(bracket));
        if bracket == b'{' {
            self.objects.push((self.members.len(), true));
        }
    }

    fn close(&mut self, bracket: u8) {
        self.depth -= 1;
        if self.too_deep {
            return;
        }
        if bracket == b'}'
            && let Some((from, ascending)) = self.objects.pop()
        {
            if !ascending {
                self.ascending = false;
                self.settle(from);
            }
            self.members.truncate(from);
        }
        self.out.push(char::from(bracket));
    }

    fn key(&mut self, key: Literal<'a>) {
        if self.too_deep {
            return;
        }
        if let Some((from, ascending)) = self.objects.last_mut()
            && let Some(previous) = self.members[*from..].last()
        {
            *ascending &= previous.key.order(key).is_lt();
        }
        self.members.push(Member { key, start: self.out.len() });
        self.out.push('"');
        self.out.push_str(key.raw());
        self.out.push_str("\":");
    }

    fn comma(&mut self) {
        if !self.too_deep {
            self.out.push(',');
        }
    }

    fn scalar(&mut self, text: &'a str) {
        if !self.too_deep {
            self.out.push_str(text);
        }
    }
}

/// The canonical form of a compact text: the keys of every object in ascending order.
pub(crate) fn canonical(compact: &str) -> Result<String, Fault> {
    let mut sink = Compact::ordered(Order::ByKey, 0, compact.len());
    Scanner::new(compact).value(&mut sink)?;
    Ok(sink.into_out())
}

//! JSON's grammar (RFC 8259), one byte at a time. That it is UTF-8 is looked at elsewhere.

/// Arrays and objects inside each other.
const DEEPEST: usize = 128;

/// Looks at a document as it comes, in a few hundred bytes of memory whatever its size.
#[derive(Debug, Default)]
pub(super) struct JsonCheck {
    /// What is open, outermost first: true for objects.
    open: Vec<bool>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// A value begins here.
    #[default]
    Value,
    /// Behind `[`.
    ValueOrEnd,
    /// Behind `{`.
    KeyOrEnd,
    /// Behind a comma of an object.
    Key,
    Colon,
    /// Behind a value: a comma, an end, or the end of everything.
    Behind,
    Text(Place, Inside),
    Number(Digits),
    /// What is left of `true`, `false` or `null`.
    Word(&'static [u8]),
    Wrong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Key,
    Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Plain,
    Escape,
    /// So many hexadecimal digits are to come.
    Hex(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Digits {
    Sign,
    Zero,
    Whole,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    Power,
}

impl JsonCheck {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.state == State::Wrong {
                return;
            }
            self.state = self.step(*byte);
        }
    }

    /// Whether all of it was one value, and that is complete.
    pub(super) fn is_right(&self) -> bool {
        let complete = match self.state {
            State::Behind => true,
            State::Number(digits) => digits.may_end(),
            _ => false,
        };
        complete && self.open.is_empty()
    }

    fn step(&mut self, byte: u8) -> State {
        match self.state {
            State::Text(place, inside) => text(place, inside, byte),
            State::Word([next, rest @ ..]) if *next == byte => {
                if rest.is_empty() {
                    State::Behind
                } else {
                    State::Word(rest)
                }
            }
            State::Word(_) | State::Wrong => State::Wrong,
            State::Number(digits) => match digits.step(byte) {
                Some(digits) => State::Number(digits),
                None if digits.may_end() => self.between(State::Behind, byte),
                None => State::Wrong,
            },
            state => self.between(state, byte),
        }
    }

    /// A byte that is in no text, number or word.
    fn between(&mut self, state: State, byte: u8) -> State {
        match (state, byte) {
            (state, b' ' | b'\t' | b'\n' | b'\r') => state,
            (State::ValueOrEnd, b']') | (State::KeyOrEnd, b'}') => self.close(byte),
            (State::Value | State::ValueOrEnd, byte) => self.value(byte),
            (State::KeyOrEnd | State::Key, b'"') => State::Text(Place::Key, Inside::Plain),
            (State::Colon, b':') => State::Value,
            (State::Behind, b',') => match self.open.last() {
                Some(true) => State::Key,
                Some(false) => State::Value,
                None => State::Wrong,
            },
            (State::Behind, b']' | b'}') => self.close(byte),
            _ => State::Wrong,
        }
    }

    fn value(&mut self, byte: u8) -> State {
        match byte {
            b'"' => State::Text(Place::Value, Inside::Plain),
            b'[' | b'{' => self.open(byte == b'{'),
            b't' => State::Word(b"rue"),
            b'f' => State::Word(b"alse"),
            b'n' => State::Word(b"ull"),
            b'-' => State::Number(Digits::Sign),
            b'0' => State::Number(Digits::Zero),
            b'1'..=b'9' => State::Number(Digits::Whole),
            _ => State::Wrong,
        }
    }

    fn open(&mut self, object: bool) -> State {
        if self.open.len() == DEEPEST {
            return State::Wrong;
        }
        self.open.push(object);
        if object { State::KeyOrEnd } else { State::ValueOrEnd }
    }

    fn close(&mut self, byte: u8) -> State {
        if self.open.pop() == Some(byte == b'}') { State::Behind } else { State::Wrong }
    }
}

fn text(place: Place, inside: Inside, byte: u8) -> State {
    let inside = match (inside, byte) {
        (Inside::Plain, b'"') => {
            return match place {
                Place::Key => State::Colon,
                Place::Value => State::Behind,
            };
        }
        (Inside::Plain, b'\\') => Inside::Escape,
        (Inside::Plain, 0..=0x1f) => return State::Wrong,
        (Inside::Plain, _) => Inside::Plain,
        (Inside::Escape, b'u') => Inside::Hex(4),
        (Inside::Escape, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Inside::Plain,
        (Inside::Hex(left), byte) if byte.is_ascii_hexdigit() => {
            if left == 1 {
                Inside::Plain
            } else {
                Inside::Hex(left - 1)
            }
        }
        _ => return State::Wrong,
    };
    State::Text(place, inside)
}

impl Digits {
    /// The number goes on with this byte.
    fn step(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Sign, b'0') => Some(Self::Zero),
            (Self::Sign, b'1'..=b'9') | (Self::Whole, b'0'..=b'9') => Some(Self::Whole),
            (Self::Zero | Self::Whole, b'.') => Some(Self::Point),
            (Self::Point | Self::Fraction, b'0'..=b'9') => Some(Self::Fraction),
            (Self::Zero | Self::Whole | Self::Fraction, b'e' | b'E') => Some(Self::Exponent),
            (Self::Exponent, b'+' | b'-') => Some(Self::ExponentSign),
            (Self::Exponent | Self::ExponentSign | Self::Power, b'0'..=b'9') => Some(Self::Power),
            _ => None,
        }
    }

    fn may_end(self) -> bool {
        matches!(self, Self::Zero | Self::Whole | Self::Fraction | Self::Power)
    }
}

//! One pass over JSON text: strict grammar, nothing built that is not asked for.
//!
//! [`Scanner`] walks values without recursion, so that no nesting can exhaust the stack, and tells a [`Sink`]
//! what it meets; [`compact::Compact`] is the sink that rewrites a value, [`Skip`] the one that only measures.

pub(crate) mod compact;
pub(crate) mod literal;
pub(crate) mod members;

pub(crate) use self::literal::Literal;

/// Why a text is not acceptable JSON, for the caller's eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) what: &'static str,
    pub(crate) at: usize,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at byte {}", self.what, self.at)
    }
}

/// What a walk over one value meets, in order.
pub(crate) trait Sink<'a> {
    /// An object or array begins.
    fn open(&mut self, bracket: u8);
    /// It ends.
    fn close(&mut self, bracket: u8);
    /// A member's key.
    fn key(&mut self, key: Literal<'a>);
    /// Another member or element follows.
    fn comma(&mut self);
    /// A string with its quotes, a number, or a word.
    fn scalar(&mut self, text: &'a str);
}

/// Passes over a value and remembers how deep it went.
#[derive(Debug, Default)]
pub(crate) struct Skip {
    depth: usize,
    /// Levels of the deepest place; 0 for a scalar.
    pub(crate) deepest: usize,
}

impl Sink<'_> for Skip {
    fn open(&mut self, _bracket: u8) {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
    }
    fn close(&mut self, _bracket: u8) {
        self.depth -= 1;
    }
    fn key(&mut self, _key: Literal<'_>) {}
    fn comma(&mut self) {}
    fn scalar(&mut self, _text: &str) {}
}

/// A position in JSON text.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// The brackets that are open inside the value being walked.
    open: Vec<u8>,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, open: Vec::new() }
    }

    /// The scanner of a body; invalid UTF-8 is a fault.
    pub(crate) fn of_bytes(bytes: &'a [u8]) -> Result<Self, Fault> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(text)),
            Err(error) => Err(Fault { what: "invalid UTF-8", at: error.valid_up_to() }),
        }
    }

    /// The next byte that is not white space.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> Result<(), Fault> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.fault("unexpected data after the JSON value")),
        }
    }

    /// Walks an object: `each` is called behind every key and must take the value.
    pub(crate) fn object(
        &mut self,
        mut each: impl FnMut(&mut Self, Literal<'a>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.expect(b'{', "expected a JSON object")?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            let key = self.member_key()?;
            each(self, key)?;
            match self.next_byte() {
                Some(b',') => {}
                Some(b'}') => return Ok(()),
                _ => return Err(self.fault("expected `,` or `}`")),
            }
        }
    }

    /// The elements of an array, each as received.
    pub(crate) fn array(&mut self) -> Result<Vec<&'a str>, Fault> {
        self.expect(b'[', "expected a JSON array")?;
        let mut elements = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(elements);
        }
        loop {
            elements.push(self.value(&mut Skip::default())?);
            match self.next_byte() {
                Some(b',') => {}
                Some(b']') => return Ok(elements),
                _ => return Err(self.fault("expected `,` or `]`")),
            }
        }
    }

    /// Walks one value of any kind and returns its text as received.
    pub(crate) fn value<S: Sink<'a>>(&mut self, sink: &mut S) -> Result<&'a str, Fault> {
        self.peek();
        let start = self.at;
        let outside = self.open.len();
        loop {
            let opened = self.begin_value(sink)?;
            if !opened && !self.next_value_follows(sink, outside)? {
                return Ok(&self.text[start..self.at]);
            }
        }
    }

    /// Takes one scalar, or the opening of a container up to where its first value begins.
    ///
    /// True: a container is open and a value must follow.
    fn begin_value<S: Sink<'a>>(&mut self, sink: &mut S) -> Result<bool, Fault> {
        match self.peek() {
            Some(b'{') => self.open_container(b'{', b'}', sink),
            Some(b'[') => self.open_container(b'[', b']', sink),
            _ => {
                sink.scalar(self.scalar()?);
                Ok(false)
            }
        }
    }

    fn open_container<S: Sink<'a>>(&mut self, bracket: u8, closing: u8, sink: &mut S) -> Result<bool, Fault> {
        self.at += 1;
        sink.open(bracket);
        if self.peek() == Some(closing) {
            self.at += 1;
            sink.close(closing);
            return Ok(false);
        }
        self.open.push(bracket);
        if bracket == b'{' {
            sink.key(self.member_key()?);
        }
        Ok(true)
    }

    /// Behind a value: closes what ends here. True when another value of an open container follows.
    fn next_value_follows<S: Sink<'a>>(&mut self, sink: &mut S, outside: usize) -> Result<bool, Fault> {
        while self.open.len() > outside {
            let in_object = self.open.last() == Some(&b'{');
            match (self.next_byte(), in_object) {
                (Some(b','), true) => {
                    sink.comma();
                    sink.key(self.member_key()?);
                    return Ok(true);
                }
                (Some(b','), false) => {
                    sink.comma();
                    return Ok(true);
                }
                (Some(b'}'), true) => sink.close(b'}'),
                (Some(b']'), false) => sink.close(b']'),
                _ => return Err(self.fault("expected `,` or a closing bracket")),
            }
            self.open.pop();
        }
        Ok(false)
    }

    /// A string, number or word, as received.
    fn scalar(&mut self) -> Result<&'a str, Fault> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => {
                self.string()?;
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true")?,
            Some(b'f') => self.word("false")?,
            Some(b'n') => self.word("null")?,
            _ => return Err(self.fault("expected a JSON value")),
        }
        Ok(&self.text[start..self.at])
    }

    fn member_key(&mut self) -> Result<Literal<'a>, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.fault("expected a string as key"));
        }
        let key = self.string()?;
        self.expect(b':', "expected `:`")?;
        Ok(key)
    }

    /// A string literal, the position being at its quote.
    pub(crate) fn string(&mut self) -> Result<Literal<'a>, Fault> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            at += bytes[at..].iter().take_while(|byte| PLAIN[usize::from(**byte)]).count();
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    at = literal::escape_end(bytes, at).map_err(|what| Fault { what, at })?;
                }
                Some(_) => {
                    return Err(Fault { what: "control character in a string", at });
                }
                None => {
                    return Err(Fault { what: "string without an end", at });
                }
            }
        }
        self.at = at + 1;
        Ok(Literal::new(&self.text[start..at], escaped))
    }

    fn number(&mut self) -> Result<(), Fault> {
        self.eat(b'-');
        match self.text.as_bytes().get(self.at) {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _signed = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let count = self.text.as_bytes()[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(self.fault("malformed number")) } else { Ok(()) }
    }

    fn word(&mut self, word: &'static str) -> Result<(), Fault> {
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.fault("expected a JSON value"))
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.text.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    /// Takes the next byte that is not white space.
    fn next_byte(&mut self) -> Option<u8> {
        let byte = self.peek();
        self.at += usize::from(byte.is_some());
        byte
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Fault> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.fault(what))
        }
    }

    fn fault(&self, what: &'static str) -> Fault {
        Fault { what, at: self.at }
    }
}

/// Bytes that stand for themselves inside a string.
const PLAIN: [bool; 256] = plain();

const fn plain() -> [bool; 256] {
    let mut table = [true; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = false;
        byte += 1;
    }
    table[b'"' as usize] = false;
    table[b'\\' as usize] = false;
    table
}

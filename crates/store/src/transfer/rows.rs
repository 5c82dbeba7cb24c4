//! Rows as PostgreSQL's binary COPY spells them, the same bytes in both directions.

use bytes::{BufMut, Bytes, BytesMut};
use rusqlite::types::ValueRef;

/// What a column holds, as PostgreSQL names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Int8,
    Int2,
    Text,
    Bytes,
}

/// The signature, no flags, no extension.
const HEAD: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// In the place of a row's number of fields.
const TAIL: i16 = -1;
const NULL: i32 = -1;

/// Collects rows until somebody takes them away.
#[derive(Debug)]
pub(super) struct Rows {
    out: BytesMut,
}

impl Rows {
    pub(super) fn new() -> Self {
        Self { out: BytesMut::from(&HEAD[..]) }
    }

    pub(super) fn bytes(&self) -> usize {
        self.out.len()
    }

    pub(super) fn take(&mut self) -> Bytes {
        self.out.split().freeze()
    }

    /// Begins a row; so many fields follow.
    pub(super) fn begin(&mut self, fields: i16) {
        self.out.put_i16(fields);
    }

    /// One field; otherwise what is wrong with it.
    pub(super) fn field(&mut self, value: ValueRef<'_>, kind: Kind) -> Result<(), &'static str> {
        match (value, kind) {
            (ValueRef::Null, _) => self.out.put_i32(NULL),
            (ValueRef::Integer(value), Kind::Int8) => self.put(&value.to_be_bytes())?,
            (ValueRef::Integer(value), Kind::Int2) => {
                let value = i16::try_from(value).map_err(|_| "the number is too large")?;
                self.put(&value.to_be_bytes())?;
            }
            (ValueRef::Text(value), Kind::Text) => {
                check_text(value)?;
                self.put(value)?;
            }
            (ValueRef::Blob(value), Kind::Bytes) => self.put(value)?,
            _ => return Err("it is of another type than its column"),
        }
        Ok(())
    }

    /// Ends the table.
    pub(super) fn end(&mut self) {
        self.out.put_i16(TAIL);
    }

    fn put(&mut self, value: &[u8]) -> Result<(), &'static str> {
        self.out.put_i32(i32::try_from(value.len()).map_err(|_| "it is too long")?);
        self.out.put_slice(value);
        Ok(())
    }
}

fn check_text(value: &[u8]) -> Result<(), &'static str> {
    if value.contains(&0) {
        return Err("PostgreSQL cannot hold the character U+0000");
    }
    std::str::from_utf8(value).map(drop).map_err(|_| "it is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_spelled_as_postgresql_documents_it() {
        let mut rows = Rows::new();
        rows.begin(4);
        rows.field(ValueRef::Integer(258), Kind::Int8).unwrap();
        rows.field(ValueRef::Integer(-2), Kind::Int2).unwrap();
        rows.field(ValueRef::Text(b"ab"), Kind::Text).unwrap();
        rows.field(ValueRef::Null, Kind::Bytes).unwrap();
        rows.end();
        let fields = b"\0\x04\0\0\0\x08\0\0\0\0\0\0\x01\x02\0\0\0\x02\xff\xfe\0\0\0\x02ab\xff\xff\xff\xff\xff\xff";
        assert_eq!(rows.take(), [&HEAD[..], fields].concat());
    }

    #[test]
    fn what_postgresql_cannot_hold_is_named() {
        let mut rows = Rows::new();
        let mut problem = |value, kind| rows.field(value, kind).unwrap_err();
        assert!(problem(ValueRef::Integer(40_000), Kind::Int2).contains("too large"));
        assert!(problem(ValueRef::Text(b"a\0"), Kind::Text).contains("U+0000"));
        assert!(problem(ValueRef::Text(b"\xff"), Kind::Text).contains("UTF-8"));
        assert!(problem(ValueRef::Text(b"1"), Kind::Int8).contains("another type"));
        assert!(problem(ValueRef::Real(1.0), Kind::Int8).contains("another type"));
    }
}

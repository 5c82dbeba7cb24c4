//! Values in and out of SQL, the same for every engine.

use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::error::{Result, StoreError};

/// One parameter of a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Blob(&'a [u8]),
    /// PostgreSQL alone: an array of integers.
    Ints(&'a [i64]),
    /// PostgreSQL alone: an array of ids.
    Ids(&'a [[u8; 16]]),
}

impl rusqlite::types::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Blob(value) => ValueRef::Blob(value),
            Self::Ints(_) | Self::Ids(_) => {
                return Err(rusqlite::Error::ToSqlConversionFailure("SQLite has no arrays".into()));
            }
        }))
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}
impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}
impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}
impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Blob(value)
    }
}
impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Blob(value)
    }
}
impl<'a, T> From<Option<T>> for Value<'a>
where
    T: Into<Value<'a>> + Plain,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Types whose `Option` is a nullable parameter.
pub(crate) trait Plain {}
impl Plain for i64 {}
impl Plain for bool {}
impl Plain for &str {}
impl Plain for &[u8] {}
impl<const N: usize> Plain for &[u8; N] {}

/// One row of an answer; columns are counted from 0.
#[derive(Debug)]
pub(crate) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

/// One cell of a row. Truth values are integers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'r> {
    Null,
    Int(i64),
    Text(&'r str),
    Blob(&'r [u8]),
}

impl Row<'_> {
    fn cell(&self, column: usize) -> Result<Cell<'_>> {
        match self {
            Self::Sqlite(row) => match row.get_ref(column)? {
                ValueRef::Null => Ok(Cell::Null),
                ValueRef::Integer(value) => Ok(Cell::Int(value)),
                ValueRef::Text(value) => {
                    std::str::from_utf8(value).map(Cell::Text).map_err(|_| unexpected(column, "UTF-8 text"))
                }
                ValueRef::Blob(value) => Ok(Cell::Blob(value)),
                ValueRef::Real(_) => Err(unexpected(column, "one of our types")),
            },
            Self::Postgres(row) => row.try_get(column).map_err(StoreError::from),
        }
    }

    /// Integer column.
    pub(crate) fn int(&self, column: usize) -> Result<i64> {
        self.opt_int(column)?.ok_or_else(|| unexpected(column, "an integer"))
    }

    /// Nullable integer column.
    pub(crate) fn opt_int(&self, column: usize) -> Result<Option<i64>> {
        match self.cell(column)? {
            Cell::Int(value) => Ok(Some(value)),
            Cell::Null => Ok(None),
            _ => Err(unexpected(column, "an integer")),
        }
    }

    /// Integer column read as a truth value.
    pub(crate) fn bool(&self, column: usize) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    /// Text column, borrowed from the row.
    pub(crate) fn str(&self, column: usize) -> Result<&str> {
        match self.cell(column)? {
            Cell::Text(value) => Ok(value),
            _ => Err(unexpected(column, "text")),
        }
    }

    /// Text column.
    pub(crate) fn text(&self, column: usize) -> Result<String> {
        self.str(column).map(str::to_owned)
    }

    /// Nullable text column.
    pub(crate) fn opt_text(&self, column: usize) -> Result<Option<String>> {
        if self.is_null(column)? { Ok(None) } else { self.text(column).map(Some) }
    }

    /// Bytes column of exactly `N` bytes.
    pub(crate) fn bytes<const N: usize>(&self, column: usize) -> Result<[u8; N]> {
        match self.cell(column)? {
            Cell::Blob(value) => value.try_into().map_err(|_| unexpected(column, "bytes of another length")),
            _ => Err(unexpected(column, "bytes")),
        }
    }

    /// Whether the column is null.
    pub(crate) fn is_null(&self, column: usize) -> Result<bool> {
        Ok(self.cell(column)? == Cell::Null)
    }
}

fn unexpected(column: usize, wanted: &str) -> StoreError {
    StoreError::Internal(format!("column {column} of an answer is not {wanted}"))
}

//! Values and cells in PostgreSQL's binary form.
//!
//! With named statements the server tells which type it wants; without them ([`declared`]) we say which we give, so
//! only these types occur in the schema: `bigint`, `smallint`, `text`, `bytea`.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::row::{Cell, Value};

type Converted<T> = Result<T, Box<dyn Error + Sync + Send>>;

/// The type a value has by itself. What is null takes the type it is used as.
pub(super) fn declared(value: &Value<'_>) -> Type {
    match value {
        Value::Null => Type::UNKNOWN,
        Value::Int(_) => Type::INT8,
        Value::Text(_) => Type::TEXT,
        Value::Blob(_) => Type::BYTEA,
        Value::Ints(_) => Type::INT8_ARRAY,
        Value::Ids(_) => Type::BYTEA_ARRAY,
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Converted<IsNull> {
        match *self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Int(value) => put_int(value, ty, out)?,
            Self::Text(value) => out.put_slice(value.as_bytes()),
            Self::Blob(value) => out.put_slice(value),
            Self::Ints(values) => return values.to_sql(ty, out),
            Self::Ids(values) => {
                let values: Vec<&[u8]> = values.iter().map(<[u8; 16]>::as_slice).collect();
                return values.to_sql(ty, out);
            }
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn put_int(value: i64, ty: &Type, out: &mut BytesMut) -> Converted<()> {
    match *ty {
        Type::INT8 => out.put_i64(value),
        Type::INT4 => out.put_i32(value.try_into()?),
        Type::INT2 => out.put_i16(value.try_into()?),
        Type::BOOL => out.put_u8(u8::from(value != 0)),
        _ => return Err(format!("an integer was given where {ty} is wanted").into()),
    }
    Ok(())
}

impl<'r> FromSql<'r> for Cell<'r> {
    fn from_sql(ty: &Type, raw: &'r [u8]) -> Converted<Self> {
        Ok(match *ty {
            Type::INT8 => Self::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Self::Int(i32::from_sql(ty, raw)?.into()),
            Type::INT2 => Self::Int(i16::from_sql(ty, raw)?.into()),
            Type::BOOL => Self::Int(bool::from_sql(ty, raw)?.into()),
            Type::BYTEA => Self::Blob(raw),
            _ => Self::Text(std::str::from_utf8(raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Converted<Self> {
        Ok(Self::Null)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::INT4 | Type::INT2 | Type::BOOL | Type::BYTEA | Type::TEXT | Type::VARCHAR)
    }
}

/// A value that outlives its operation's step.
#[derive(Debug)]
pub(super) enum OwnedValue {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
    Ints(Vec<i64>),
    Ids(Vec<[u8; 16]>),
}

impl From<&Value<'_>> for OwnedValue {
    fn from(value: &Value<'_>) -> Self {
        match *value {
            Value::Null => Self::Null,
            Value::Int(value) => Self::Int(value),
            Value::Text(value) => Self::Text(value.to_owned()),
            Value::Blob(value) => Self::Blob(value.to_owned()),
            Value::Ints(values) => Self::Ints(values.to_owned()),
            Value::Ids(values) => Self::Ids(values.to_owned()),
        }
    }
}

impl OwnedValue {
    pub(super) fn borrow(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Int(value) => Value::Int(*value),
            Self::Text(value) => Value::Text(value),
            Self::Blob(value) => Value::Blob(value),
            Self::Ints(values) => Value::Ints(values),
            Self::Ids(values) => Value::Ids(values),
        }
    }
}

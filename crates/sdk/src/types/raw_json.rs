//! JSON that is carried, not understood.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::json;

/// A JSON value as text. It may nest to any depth and is only decoded when asked, so that what a sender put into it
/// can never make the row around it undecodable.
#[derive(Clone)]
pub struct RawJson(Arc<RawValue>);

impl RawJson {
    /// Takes JSON text.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`](crate::ErrorKind) when it is not JSON.
    pub fn new(text: impl Into<String>) -> Result<Self> {
        let checked = RawValue::from_string(json::tolerant(text.into()));
        checked.map(Self::from).map_err(|error| Error::decode("the text is not JSON", &error))
    }

    /// The JSON text of a value.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind) when the value cannot be expressed in JSON.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self> {
        let raw = serde_json::value::to_raw_value(value);
        raw.map(Self::from)
            .map_err(|error| Error::invalid_input("value", format!("cannot be written as JSON: {error}")))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Decodes the value.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`](crate::ErrorKind) when it has another shape.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        json::decode(self.as_str()).map_err(|error| Error::decode("the JSON value has another shape", &error))
    }

    /// The value as a tree.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`](crate::ErrorKind) when it nests more than 128 levels.
    pub fn to_value(&self) -> Result<serde_json::Value> {
        self.parse()
    }

    /// The value `null`.
    pub(crate) fn null() -> Self {
        Self(Arc::from(RawValue::NULL.to_owned()))
    }
}

impl Default for RawJson {
    fn default() -> Self {
        Self::null()
    }
}

impl From<Box<RawValue>> for RawJson {
    fn from(value: Box<RawValue>) -> Self {
        Self(value.into())
    }
}

impl From<&RawValue> for RawJson {
    fn from(value: &RawValue) -> Self {
        Self(value.to_owned().into())
    }
}

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Display for RawJson {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self::from)
    }
}

/// Members of an object that this version does not know: in order, unchanged, serialised again as they came.
#[derive(Clone, Default, PartialEq)]
pub struct Extra(Vec<(Box<str>, RawJson)>);

impl Extra {
    /// Decodes a member, if it is there.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<Result<T>> {
        self.raw(key).map(RawJson::parse)
    }

    /// A member as it came.
    pub fn raw(&self, key: &str) -> Option<&RawJson> {
        self.0.iter().find(|(name, _)| &**name == key).map(|(_, value)| value)
    }

    /// All members in the order of their first appearance.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawJson)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn insert(&mut self, key: &str, value: RawJson) {
        match self.0.iter_mut().find(|(name, _)| &**name == key) {
            Some(present) => present.1 = value,
            None => self.0.push((key.into(), value)),
        }
    }

    pub(crate) fn serialize_into<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.0.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.iter()).finish()
    }
}

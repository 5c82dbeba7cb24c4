//! One JSON object of a request, and typed ways to ask it for fields.

use std::collections::HashMap;

use super::{FieldErrors, REQUIRED};
use crate::json::RawJson;
use crate::scan::compact::Compact;
use crate::scan::members::{self, Members};
use crate::scan::{Fault, Scanner};
use crate::timestamp::Timestamp;

/// One JSON object: of duplicate keys the last, `null` read as absent unless a getter says otherwise.
///
/// Getters take the list of complaints: a wrong value is noted there and read as absent.
#[derive(Debug, Clone, Default)]
pub struct Object {
    /// What stands before this object's field names in complaints: `settings.`, or nothing.
    path: String,
    fields: HashMap<String, Field>,
}

#[derive(Debug, Clone)]
enum Field {
    Null,
    Bool(bool),
    Text(String),
    /// A number, array or object as received.
    Raw(Box<str>),
}

impl Field {
    fn of(raw: &str) -> Self {
        match raw {
            "null" => Self::Null,
            "true" => Self::Bool(true),
            "false" => Self::Bool(false),
            _ => members::string(raw).map_or_else(|| Self::Raw(raw.into()), |text| Self::Text(text.into_owned())),
        }
    }
}

impl Object {
    /// Reads a body that must be one JSON object.
    pub fn parse(body: &[u8]) -> Result<Self, FieldErrors> {
        Self::read(String::new(), body).map_err(|fault| FieldErrors::of_form(format!("Invalid JSON: {fault}")))
    }

    /// The same, an empty body standing for `{}`: for routes whose fields are all optional.
    pub fn parse_or_empty(body: &[u8]) -> Result<Self, FieldErrors> {
        if body.is_empty() { Ok(Self::default()) } else { Self::parse(body) }
    }

    fn read(path: String, body: &[u8]) -> Result<Self, Fault> {
        let members = Members::parse(body)?;
        let fields = members.iter().map(|(key, raw)| (key.into_owned(), Field::of(raw))).collect();
        Ok(Self { path, fields })
    }

    /// Whether the field was sent, `null` included.
    pub fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// A string, required.
    pub fn req_str(&self, name: &str, errors: &mut FieldErrors) -> Option<&str> {
        self.required(name, errors);
        self.opt_str(name, errors)
    }

    /// A string.
    pub fn opt_str(&self, name: &str, errors: &mut FieldErrors) -> Option<&str> {
        self.nullable_str(name, errors).flatten()
    }

    /// A string where `null` is a value: `None` absent, `Some(None)` null.
    pub fn nullable_str(&self, name: &str, errors: &mut FieldErrors) -> Option<Option<&str>> {
        match self.fields.get(name)? {
            Field::Null => Some(None),
            Field::Text(text) => Some(Some(text)),
            _ => self.complain(name, "Expected a string", errors),
        }
    }

    /// `true` or `false`.
    pub fn opt_bool(&self, name: &str, errors: &mut FieldErrors) -> Option<bool> {
        match self.given(name)? {
            Field::Bool(value) => Some(*value),
            _ => self.complain(name, "Expected a boolean", errors),
        }
    }

    /// A whole number, required.
    pub fn req_int(&self, name: &str, errors: &mut FieldErrors) -> Option<i64> {
        self.required(name, errors);
        self.opt_int(name, errors)
    }

    /// A whole number; `3.0` is one.
    pub fn opt_int(&self, name: &str, errors: &mut FieldErrors) -> Option<i64> {
        let number = match self.given(name)? {
            Field::Raw(raw) => members::integer(raw),
            _ => None,
        };
        number.or_else(|| self.complain(name, "Expected an integer", errors))
    }

    /// An RFC 3339 time, required.
    pub fn req_time(&self, name: &str, errors: &mut FieldErrors) -> Option<Timestamp> {
        self.required(name, errors);
        self.opt_time(name, errors)
    }

    /// An RFC 3339 time.
    pub fn opt_time(&self, name: &str, errors: &mut FieldErrors) -> Option<Timestamp> {
        self.nullable_time(name, errors).flatten()
    }

    /// An RFC 3339 time where `null` is a value: `None` absent, `Some(None)` null.
    pub fn nullable_time(&self, name: &str, errors: &mut FieldErrors) -> Option<Option<Timestamp>> {
        match self.nullable_str(name, errors)? {
            None => Some(None),
            Some(text) => match text.parse() {
                Ok(time) => Some(Some(time)),
                Err(_) => self.complain(name, "Expected an RFC 3339 time", errors),
            },
        }
    }

    /// An object whose own fields are asked for; complaints about them carry this field's name and a dot.
    pub fn opt_object(&self, name: &str, errors: &mut FieldErrors) -> Option<Self> {
        let raw = self.raw_object(name, errors)?;
        Self::read(format!("{}{name}.", self.path), raw.as_bytes()).ok()
    }

    /// An opaque object: compact, earlier duplicates dropped, otherwise as received; at most 64 levels.
    pub fn opt_json(&self, name: &str, errors: &mut FieldErrors) -> Option<RawJson> {
        let raw = self.raw_object(name, errors)?;
        let mut compact = Compact::inside(0, raw.len());
        Scanner::new(raw).value(&mut compact).ok()?;
        if compact.is_too_deep() {
            return self.complain(name, "Nested too deeply (64 levels at most)", errors);
        }
        Some(RawJson::from_checked(compact.into_out()))
    }

    /// A list of strings, required.
    pub fn req_strs(&self, name: &str, errors: &mut FieldErrors) -> Option<Vec<String>> {
        self.required(name, errors);
        self.opt_strs(name, errors)
    }

    /// A list of strings.
    pub fn opt_strs(&self, name: &str, errors: &mut FieldErrors) -> Option<Vec<String>> {
        let elements = match self.given(name)? {
            Field::Raw(raw) => members::elements(raw),
            _ => None,
        };
        let texts = elements.and_then(|list| list.into_iter().map(members::string).collect::<Option<Vec<_>>>());
        match texts {
            Some(texts) => Some(texts.into_iter().map(|text| text.into_owned()).collect()),
            None => self.complain(name, "Expected an array of strings", errors),
        }
    }

    /// A list of objects, required; complaints about them carry this field's name and their place: `items.0.name`.
    pub fn req_objects(&self, name: &str, errors: &mut FieldErrors) -> Option<Vec<Self>> {
        self.required(name, errors);
        let elements = match self.given(name)? {
            Field::Raw(raw) => members::elements(raw),
            _ => None,
        };
        let read = |(place, raw): (usize, &str)| {
            let path = format!("{}{name}.{place}.", self.path);
            raw.starts_with('{').then(|| Self::read(path, raw.as_bytes()).ok()).flatten()
        };
        match elements.and_then(|list| list.into_iter().enumerate().map(read).collect::<Option<Vec<_>>>()) {
            Some(objects) => Some(objects),
            None => self.complain(name, "Expected an array of objects", errors),
        }
    }

    /// Notes a complaint about one of this object's fields.
    pub fn reject(&self, name: &str, message: impl Into<String>, errors: &mut FieldErrors) {
        errors.field(&format!("{}{name}", self.path), message);
    }

    fn given(&self, name: &str) -> Option<&Field> {
        self.fields.get(name).filter(|field| !matches!(field, Field::Null))
    }

    fn required(&self, name: &str, errors: &mut FieldErrors) {
        if self.given(name).is_none() {
            self.reject(name, REQUIRED, errors);
        }
    }

    fn raw_object(&self, name: &str, errors: &mut FieldErrors) -> Option<&str> {
        match self.given(name)? {
            Field::Raw(raw) if raw.starts_with('{') => Some(raw),
            _ => self.complain(name, "Expected an object", errors),
        }
    }

    fn complain<T>(&self, name: &str, message: &str, errors: &mut FieldErrors) -> Option<T> {
        self.reject(name, message, errors);
        None
    }
}

//! Reading a JSON body that a caller sent: one object, typed fields, every complaint collected.
//!
//! ```
//! use agentchat_protocol::validate::{FieldErrors, Object};
//!
//! let body = Object::parse(br#"{"email": "ops@example.com", "description": null}"#).unwrap();
//! let mut errors = FieldErrors::default();
//! assert_eq!(body.req_str("email", &mut errors), Some("ops@example.com"));
//! assert_eq!(body.opt_str("description", &mut errors), None);
//! assert_eq!(body.req_str("handle", &mut errors), None);
//! assert_eq!(errors.into_details()["fieldErrors"]["handle"][0], "Required");
//! ```

mod object;
pub mod text;

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub use self::object::Object;

/// What a missing required field is answered with.
pub const REQUIRED: &str = "Required";

/// Everything that is wrong with a request: about the whole, and about single fields (nested ones with dots).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldErrors {
    /// About the whole.
    pub form: Vec<String>,
    /// About single fields.
    pub fields: BTreeMap<String, Vec<String>>,
}

impl FieldErrors {
    /// One complaint about the whole.
    pub fn of_form(message: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.form(message);
        errors
    }

    /// One complaint about one field.
    pub fn of_field(name: &str, message: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.field(name, message);
        errors
    }

    /// Adds a complaint about the whole.
    pub fn form(&mut self, message: impl Into<String>) -> &mut Self {
        self.form.push(message.into());
        self
    }

    /// Adds a complaint about a field.
    pub fn field(&mut self, name: &str, message: impl Into<String>) -> &mut Self {
        self.fields.entry(name.into()).or_default().push(message.into());
        self
    }

    /// Whether there is nothing to complain about.
    pub fn is_empty(&self) -> bool {
        self.form.is_empty() && self.fields.is_empty()
    }

    /// `Err` with the complaints, if there are any.
    pub fn into_result(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }

    /// The `details` of a `VALIDATION_ERROR`.
    pub fn into_details(self) -> Value {
        json!({ "formErrors": self.form, "fieldErrors": self.fields })
    }
}

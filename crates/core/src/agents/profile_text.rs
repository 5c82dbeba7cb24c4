//! The two texts an agent says about itself.

use agentchat_protocol::text;
use agentchat_protocol::validate::{FieldErrors, Object};

/// How long the texts may be, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextLengths {
    pub display_name: usize,
    pub description: usize,
}

impl Default for TextLengths {
    fn default() -> Self {
        Self { display_name: 100, description: 500 }
    }
}

/// `display_name` and `description` of a body: `None` when absent, `Some(None)` when to be cleared (`""`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileText {
    pub display_name: Option<Option<String>>,
    pub description: Option<Option<String>>,
}

impl ProfileText {
    /// Reads both, noting what is wrong.
    pub fn read(body: &Object, lengths: TextLengths, errors: &mut FieldErrors) -> Self {
        let mut read = |name: &str, check: fn(&str, usize) -> Result<String, &'static str>, max| {
            let given = body.opt_str(name, errors)?;
            match check(given, max) {
                Ok(text) => Some((!text.is_empty()).then_some(text)),
                Err(problem) => {
                    body.reject(name, problem, errors);
                    None
                }
            }
        };
        Self {
            display_name: read("display_name", text::single_line, lengths.display_name),
            description: read("description", text::multi_line, lengths.description),
        }
    }
}

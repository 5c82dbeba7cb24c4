//! The two texts an agent says about itself.

use agentchat_protocol::text;
use agentchat_protocol::validate::{FieldErrors, Object};

const DISPLAY_NAME_MAX: usize = 100;
const DESCRIPTION_MAX: usize = 500;

/// `display_name` and `description` of a body: `None` when absent, `Some(None)` when to be cleared (`""`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileText {
    pub display_name: Option<Option<String>>,
    pub description: Option<Option<String>>,
}

impl ProfileText {
    /// Reads both, noting what is wrong.
    pub fn read(body: &Object, errors: &mut FieldErrors) -> Self {
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
            display_name: read("display_name", text::single_line, DISPLAY_NAME_MAX),
            description: read("description", text::multi_line, DESCRIPTION_MAX),
        }
    }
}

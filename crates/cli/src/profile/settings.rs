//! `config.toml`: what is not secret.

use std::io;
use std::path::Path;

use serde::Deserialize;

use crate::failure::Failure;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    api_base: Option<String>,
}

/// The server's address; none when the file or the line is not there.
pub(super) fn api_base(path: &Path) -> Result<Option<String>, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::failed(format!("cannot read {}: {error}", path.display()))),
    };
    let settings: Settings =
        toml::from_str(&text).map_err(|error| Failure::usage(format!("{}: {}", path.display(), error.message())))?;
    Ok(settings.api_base)
}

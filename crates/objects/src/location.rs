//! Where objects are kept, as an operator writes it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A folder or a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder, created if absent.
    Folder(PathBuf),
    /// A bucket of S3 or of something that speaks like it. Credentials come from the environment (`AWS_*`).
    Bucket {
        /// Its name.
        bucket: String,
        /// What all names begin with, without slashes at either end; empty for none.
        prefix: String,
        /// The service's URL; `None` for Amazon's own.
        endpoint: Option<String>,
        /// The service's region; `None` for what the environment says.
        region: Option<String>,
    },
}

/// Why a location was refused; the text says how to write one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// Neither `file:` nor `s3://`.
    #[error("`{0}` is neither file:DIR nor s3://BUCKET[/PREFIX][?endpoint=URL&region=NAME]")]
    Scheme(String),
    /// `file:` or `s3://` and nothing else.
    #[error("`{0}` names no folder or bucket")]
    Empty(String),
    /// A parameter that does not exist, or without a value.
    #[error("`{0}` is not a parameter of a bucket: there are endpoint=URL and region=NAME")]
    Parameter(String),
    /// The endpoint is no URL.
    #[error("the endpoint `{0}` is not a http:// or https:// URL")]
    Endpoint(String),
}

impl Location {
    /// The folder of this path.
    pub fn folder(path: impl AsRef<Path>) -> Self {
        Self::Folder(path.as_ref().to_owned())
    }
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        if let Some(folder) = text.strip_prefix("file:") {
            // `file:///var/objects` is what others write.
            let folder = folder.strip_prefix("//").unwrap_or(folder);
            return named(text, folder).map(Self::folder);
        }
        let bucket = text.strip_prefix("s3://").ok_or_else(|| LocationError::Scheme(text.to_owned()))?;
        let (path, query) = bucket.split_once('?').unwrap_or((bucket, ""));
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        let (mut endpoint, mut region) = (None, None);
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let wrong = || LocationError::Parameter(parameter.to_owned());
            let (name, value) = parameter.split_once('=').filter(|(_, value)| !value.is_empty()).ok_or_else(wrong)?;
            match name {
                "endpoint" => endpoint = Some(service(value)?),
                "region" => region = Some(value.to_owned()),
                _ => return Err(wrong()),
            }
        }
        let bucket = named(text, bucket)?.to_owned();
        Ok(Self::Bucket { bucket, prefix: prefix.trim_matches('/').to_owned(), endpoint, region })
    }
}

fn named<'a>(text: &str, name: &'a str) -> Result<&'a str, LocationError> {
    if name.is_empty() { Err(LocationError::Empty(text.to_owned())) } else { Ok(name) }
}

fn service(url: &str) -> Result<String, LocationError> {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() => Ok(url.trim_end_matches('/').to_owned()),
        _ => Err(LocationError::Endpoint(url.to_owned())),
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "file:{}", folder.display()),
            Self::Bucket { bucket, prefix, .. } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::Bucket { bucket, prefix, .. } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

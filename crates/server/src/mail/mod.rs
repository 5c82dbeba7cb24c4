//! Mail that carries one-time codes: to stdout, into a folder, or by SMTP.

mod codes;
mod folder;
mod smtp;

use std::io::Write as _;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

pub(crate) use codes::code_mail;
use folder::Folder;
use smtp::Smtp;

use crate::clock::Clock;
use crate::config::Secret;

/// Where mail goes, as `--mail` spells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailTarget {
    /// Printed; for trying things out.
    Stdout,
    /// One `.eml` file a mail.
    Folder(PathBuf),
    /// `smtp://` or `smtps://`, user and password included.
    Smtp(Secret),
}

/// A plain-text mail.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    /// The recipient's address.
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
}

/// Why a mail, or a `--mail`, was refused. Never names the password.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// `--mail` is none of the three forms.
    #[error("use stdout, file:DIR or smtp(s)://user:password@host:port?from=ADDRESS")]
    Target,
    /// An address or header is malformed.
    #[error("malformed mail: {0}")]
    Message(String),
    /// The folder cannot be written.
    #[error("cannot write mail into {}: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The mail server cannot be reached or refused the mail.
    #[error("SMTP: {0}")]
    Smtp(String),
}

impl FromStr for MailTarget {
    type Err = MailError;

    fn from_str(text: &str) -> Result<Self, MailError> {
        if text == "stdout" {
            return Ok(Self::Stdout);
        }
        if let Some(folder) = text.strip_prefix("file:") {
            let folder = PathBuf::from(folder);
            return if folder.as_os_str().is_empty() { Err(MailError::Target) } else { Ok(Self::Folder(folder)) };
        }
        if text.starts_with("smtp://") || text.starts_with("smtps://") {
            smtp::check(text)?;
            return Ok(Self::Smtp(Secret::new(text)));
        }
        Err(MailError::Target)
    }
}

/// Hands mail over. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) enum Mailer {
    Stdout,
    Folder(Arc<Folder>),
    Smtp(Arc<Smtp>),
}

impl Mailer {
    /// Prepares the target; SMTP is not contacted before the first mail.
    pub(crate) fn open(target: &MailTarget, clock: &Clock) -> Result<Self, MailError> {
        Ok(match target {
            MailTarget::Stdout => Self::Stdout,
            MailTarget::Folder(folder) => Self::Folder(Arc::new(Folder::open(folder.clone(), clock.clone())?)),
            MailTarget::Smtp(url) => Self::Smtp(Arc::new(Smtp::open(url.expose())?)),
        })
    }

    /// Hands one mail over; an error means that nobody will get it.
    pub(crate) async fn send(&self, mail: Mail) -> Result<(), MailError> {
        match self {
            Self::Stdout => print(&mail),
            Self::Folder(folder) => folder.deliver(&mail).await,
            Self::Smtp(smtp) => smtp.deliver(&mail).await,
        }
    }
}

fn print(mail: &Mail) -> Result<(), MailError> {
    let Mail { to, subject, text } = mail;
    writeln!(std::io::stdout().lock(), "--- mail to {to}\nSubject: {subject}\n\n{text}\n---")
        .map_err(|source| MailError::Folder { folder: PathBuf::from("stdout"), source })
}

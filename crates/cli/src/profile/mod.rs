//! The folder of a profile: the key, and a flow that waits for its code.

mod credentials;
mod file;
mod pending;
mod settings;

use std::path::{Path, PathBuf};

pub(crate) use credentials::Credentials;
pub(crate) use pending::{Flow, Pending};

use crate::failure::Failure;

/// The default profile is the home folder itself, a named one lies under `profiles/`.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    folder: PathBuf,
    name: Option<String>,
}

impl Profile {
    pub(crate) fn new(home: PathBuf, name: Option<&str>) -> Result<Self, Failure> {
        let Some(name) = name else {
            return Ok(Self { folder: home, name: None });
        };
        let plain = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
        if name.is_empty() || !name.chars().all(plain) {
            return Err(Failure::usage(format!("`{name}` is no profile name: use letters, digits, - and _")));
        }
        Ok(Self { folder: home.join("profiles").join(name), name: Some(name.to_owned()) })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("default")
    }

    pub(crate) fn credentials_path(&self) -> PathBuf {
        self.folder.join("credentials")
    }

    /// The saved key; none when nobody signed in.
    pub(crate) fn credentials(&self) -> Result<Option<Credentials>, Failure> {
        file::read(&self.credentials_path())
    }

    pub(crate) fn save_credentials(&self, credentials: &Credentials) -> Result<(), Failure> {
        file::replace(&self.credentials_path(), credentials)
    }

    /// Whether there was a key to forget.
    pub(crate) fn forget_credentials(&self) -> Result<bool, Failure> {
        file::remove(&self.credentials_path())
    }

    /// The flow that waits for its code, if any.
    pub(crate) fn pending(&self, flow: Flow) -> Result<Option<Pending>, Failure> {
        let pending: Option<Pending> = file::read(&self.pending_path())?;
        Ok(pending.filter(|pending| pending.flow == flow))
    }

    pub(crate) fn save_pending(&self, pending: &Pending) -> Result<(), Failure> {
        file::replace(&self.pending_path(), pending)
    }

    pub(crate) fn forget_pending(&self) -> Result<(), Failure> {
        file::remove(&self.pending_path()).map(drop)
    }

    /// `api_base` of `config.toml`, if there is one.
    pub(crate) fn configured_api_base(&self) -> Result<Option<String>, Failure> {
        settings::api_base(&self.folder.join("config.toml"))
    }

    fn pending_path(&self) -> PathBuf {
        self.folder.join("pending")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_cannot_leave_its_folder() {
        for name in ["", "../x", "a/b", "."] {
            assert!(Profile::new("/home".into(), Some(name)).is_err(), "{name}");
        }
        let profile = Profile::new("/home".into(), Some("bot-1")).unwrap();
        assert_eq!(profile.credentials_path(), Path::new("/home/profiles/bot-1/credentials"));
    }
}

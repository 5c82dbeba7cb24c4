//! PostgreSQL's programs: where they are, and as whom they run.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The newest version that Debian's packages installed, or what stands in `PATH`.
///
/// # Panics
/// When PostgreSQL is not installed.
pub(crate) fn postgres_programs() -> PathBuf {
    newest("/usr/lib/postgresql")
        .or_else(in_path)
        .expect("PostgreSQL is not installed: `cargo xtask test` installs it (Debian package postgresql)")
}

fn newest(packages: &str) -> Option<PathBuf> {
    let versions = std::fs::read_dir(packages).ok()?.flatten();
    let complete = versions.map(|version| version.path().join("bin")).filter(|folder| is_complete(folder));
    complete.max_by_key(|folder| version_of(folder))
}

fn version_of(folder: &Path) -> u32 {
    let name = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    name.and_then(|name| name.parse().ok()).unwrap_or(0)
}

fn in_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|folder| is_complete(folder))
}

fn is_complete(folder: &Path) -> bool {
    ["postgres", "initdb", "createdb"].iter().all(|name| folder.join(name).is_file())
}

/// The user who may run the server: PostgreSQL refuses to be root.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    user: u32,
    group: u32,
}

impl Account {
    /// `None` unless we are root, who must become somebody else.
    ///
    /// # Panics
    /// When we are root and the package's user is missing.
    pub(crate) fn needed() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let found = users.lines().find_map(Self::parse);
        Some(found.expect("PostgreSQL refuses to be root, and there is no user postgres (Debian package postgresql)"))
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(':');
        if fields.next()? != "postgres" {
            return None;
        }
        let mut numbers = fields.skip(1).map_while(|field| field.parse().ok());
        Some(Self { user: numbers.next()?, group: numbers.next()? })
    }

    /// Makes the program run as this user.
    pub(crate) fn run(self, command: &mut Command) {
        command.uid(self.user).gid(self.group);
    }

    /// Hands a folder over.
    pub(crate) fn own(self, folder: &Path) {
        std::os::unix::fs::chown(folder, Some(self.user), Some(self.group))
            .unwrap_or_else(|error| panic!("cannot hand {} over to postgres: {error}", folder.display()));
    }
}

/// Runs to the end and returns stdout.
///
/// # Panics
/// When the program fails, with what it said.
pub(crate) fn run(mut command: Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}: {said}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

//! From a backup to a folder a server can be started on.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::take::{hex, sum};
use super::{OBJECTS_FILE, RestoreError, SUMS_FILE, objects};
use crate::OpenError;
use crate::sqlite::{DATABASE_FILE, SCHEMA, has_store, hold, moved_to};

/// A backup's way into a folder.
#[derive(Debug, Clone)]
pub struct Restore {
    file: PathBuf,
    folder: PathBuf,
}

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Length of the database.
    pub bytes: u64,
    /// Schema of the database; the server brings it to the newest.
    pub schema: i64,
    /// Messages in it.
    pub messages: u64,
    /// Names of the objects it refers to.
    pub objects: Vec<String>,
}

impl Restore {
    /// From a backup (its folder, or the database in it) into a data folder, made when it is missing.
    pub fn new(from: impl Into<PathBuf>, folder: impl Into<PathBuf>) -> Self {
        let from = from.into();
        let file = if from.is_dir() { from.join(DATABASE_FILE) } else { from };
        Self { file, folder: folder.into() }
    }

    /// Checks the backup, copies it, checks the copy and gives it its place by one rename. Blocks.
    ///
    /// # Errors
    /// [`RestoreError`]: the folder has a store or a server, or the backup is not what it should be.
    pub fn run(&self) -> Result<Restored, RestoreError> {
        self.check_source()?;
        let _held = hold(&self.folder)?;
        self.check_folder()?;
        let copy = self.folder.join(format!("{DATABASE_FILE}.restoring"));
        let placed = self.place(&copy);
        if placed.is_err() {
            // What is left of it would be written over by the next try.
            let _ = fs::remove_file(&copy);
        }
        placed
    }

    fn check_source(&self) -> Result<(), RestoreError> {
        let unreadable = |source| RestoreError::Source { file: self.file.clone(), source };
        File::open(&self.file).map_err(unreadable)?;
        if beside(&self.file, "-wal").is_file() {
            return Err(RestoreError::HasLog(self.file.clone()));
        }
        let Ok(sums) = fs::read_to_string(self.file.with_file_name(SUMS_FILE)) else { return Ok(()) };
        for file in [self.file.clone(), self.file.with_file_name(OBJECTS_FILE)] {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let listed = sums.lines().filter_map(|line| line.split_once("  ")).find(|(_, found)| *found == name);
            let Some((listed, _)) = listed else { continue };
            let (found, _) = sum(&file).map_err(unreadable)?;
            if hex(&found) != listed {
                return Err(RestoreError::Sum(file));
            }
        }
        Ok(())
    }

    fn check_folder(&self) -> Result<(), RestoreError> {
        if let Some(target) = moved_to(&self.folder)? {
            return Err(OpenError::Moved { folder: self.folder.clone(), target }.into());
        }
        let database = self.folder.join(DATABASE_FILE);
        if has_store(&self.folder) || beside(&database, "-wal").exists() {
            return Err(RestoreError::Occupied(self.folder.clone()));
        }
        Ok(())
    }

    fn place(&self, copy: &Path) -> Result<Restored, RestoreError> {
        let bytes = fs::copy(&self.file, copy).map_err(RestoreError::Write)?;
        // Copied permissions may forbid writing.
        make_writable(copy).map_err(RestoreError::Write)?;
        let found = self.inspect(copy)?;
        let sync = |path: &Path| File::open(path)?.sync_all();
        sync(copy).map_err(RestoreError::Write)?;
        fs::rename(copy, self.folder.join(DATABASE_FILE)).map_err(RestoreError::Write)?;
        sync(&self.folder).map_err(RestoreError::Write)?;
        Ok(Restored { bytes, ..found })
    }

    /// What is in the copy, if it is sound.
    fn inspect(&self, copy: &Path) -> Result<Restored, RestoreError> {
        let damaged = |problem: String| RestoreError::Damaged { file: self.file.clone(), problem };
        let read = || -> rusqlite::Result<(i64, String, Option<Restored>)> {
            let connection = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            let schema: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            let verdict: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
            if verdict != "ok" || !(1..=SCHEMA).contains(&schema) {
                return Ok((schema, verdict, None));
            }
            let messages: i64 = connection.query_row("SELECT COUNT(*) FROM message", [], |row| row.get(0))?;
            let objects = if schema >= FILES { objects::names(&connection)? } else { Vec::new() };
            Ok((schema, verdict, Some(Restored { bytes: 0, schema, messages: messages.unsigned_abs(), objects })))
        };
        match read().map_err(|error| damaged(error.to_string()))? {
            (_, _, Some(restored)) => Ok(restored),
            (_, verdict, None) if verdict != "ok" => Err(damaged(verdict)),
            (found, _, None) if found > SCHEMA => Err(RestoreError::TooNew { found, known: SCHEMA }),
            _ => Err(damaged("it holds no store".into())),
        }
    }
}

/// The schema that has attachments.
const FILES: i64 = 8;

fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn make_writable(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut permissions = fs::metadata(file)?.permissions();
    permissions.set_mode(permissions.mode() | 0o600);
    fs::set_permissions(file, permissions)?;
    // A file that cannot be opened for writing is of no use.
    File::options().append(true).open(file)?.flush()
}

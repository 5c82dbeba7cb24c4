//! The folder of a backup: begun under another name, finished by one rename.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};

use super::{Backup, BackupError, OBJECTS_FILE, SUMS_FILE, objects};
use crate::sqlite::DATABASE_FILE;

/// Folder of the backups inside the data folder.
pub(crate) const BACKUPS: &str = "backups";

const LONGEST_NAME: usize = 64;

/// A name that is no path.
pub(crate) fn check_name(name: &str) -> Result<(), BackupError> {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(is_allowed) {
        return Err(BackupError::Name);
    }
    Ok(())
}

/// Where a backup of that name is made until it is complete. No backup's name has a dot.
pub(crate) fn partial(backups: &Path, name: &str) -> PathBuf {
    backups.join(format!(".{name}.partial"))
}

/// Makes room for a backup; what a killed server left of one is removed.
pub(crate) fn prepare(backups: &Path, name: &str) -> Result<(), BackupError> {
    fs::create_dir_all(backups)?;
    if backups.join(name).try_exists()? {
        return Err(BackupError::Exists);
    }
    let partial = partial(backups, name);
    match fs::remove_dir_all(&partial) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    Ok(fs::create_dir(partial)?)
}

/// Adds to the database what belongs to a backup, syncs everything and gives it its name.
pub(crate) fn finish(backups: &Path, name: &str) -> Result<Backup, BackupError> {
    let (partial, folder) = (partial(backups, name), backups.join(name));
    let database = partial.join(DATABASE_FILE);
    File::open(&database)?.sync_all()?;
    let objects = list_objects(&database, &partial.join(OBJECTS_FILE))?;
    let (sha256, bytes) = sum(&database)?;
    let (of_objects, _) = sum(&partial.join(OBJECTS_FILE))?;
    let sums = format!("{}  {DATABASE_FILE}\n{}  {OBJECTS_FILE}\n", hex(&sha256), hex(&of_objects));
    write_synced(&partial.join(SUMS_FILE), sums.as_bytes())?;
    File::open(&partial)?.sync_all()?;
    fs::rename(&partial, &folder)?;
    File::open(backups)?.sync_all()?;
    // The folder of the backups itself may be new.
    if let Some(data) = backups.parent() {
        File::open(data)?.sync_all()?;
    }
    Ok(Backup { file: folder.join(DATABASE_FILE), bytes, sha256, objects })
}

fn list_objects(database: &Path, list: &Path) -> Result<usize, BackupError> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let names = objects::names(&connection)?;
    let mut text = names.join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    write_synced(list, text.as_bytes())?;
    Ok(names.len())
}

fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// SHA-256 and length of a file.
pub(super) fn sum(path: &Path) -> std::io::Result<([u8; 32], u64)> {
    let (mut file, mut hash, mut bytes) = (File::open(path)?, Sha256::new(), 0);
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok((hash.finalize().into(), bytes)),
            length => {
                hash.update(&piece[..length]);
                bytes += length as u64;
            }
        }
    }
}

/// Lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

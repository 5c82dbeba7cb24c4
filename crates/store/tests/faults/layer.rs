//! A disk that fails: what [`shim.c`](../faults/shim.c) does to a child process, told from the test's side.
//!
//! The layer owns a folder with the data folder of the child (`data`), what a power cut would leave of its files
//! (`shadow`), and the control file through which faults are switched on and off while the child runs.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

pub(crate) const WRITES: u64 = 1;
pub(crate) const SYNCS: u64 = 2;
pub(crate) const TRUNCATIONS: u64 = 4;
pub(crate) const READS: u64 = 8;
pub(crate) const LOG: u64 = 0x100;
pub(crate) const DATABASE: u64 = 0x200;
pub(crate) const INDEX: u64 = 0x400;
pub(crate) const EVERY_FILE: u64 = LOG | DATABASE | INDEX;

pub(crate) const FOREVER: u64 = u64::MAX;
pub(crate) const NO_SPACE: u64 = 28;
pub(crate) const INPUT_OUTPUT: u64 = 5;
pub(crate) const TIMED_OUT: u64 = 110;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// It does nothing. A sync forgets what it should have written.
    Plain = 0,
    /// A write does half of its work, the one for the rest fails.
    Short = 1,
    /// A sync did its work and fails all the same.
    Synced = 2,
    /// A sync fails and the file shows again what is on disk.
    Reverted = 3,
    /// A sync does nothing and says that it did.
    Lying = 4,
}

/// Which calls fail.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    /// Kinds of calls and of files, or-ed.
    pub(crate) what: u64,
    /// So many of them pass first.
    pub(crate) skip: u64,
    /// Then so many fail.
    pub(crate) fail: u64,
    /// With this `errno`.
    pub(crate) error: u64,
    pub(crate) flavour: Flavour,
}

/// What is left of the files when everything stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The process died: all that was written is there.
    Process,
    /// The power went: only what was synced is there.
    Unsynced,
    /// The power went: of what was not synced some sectors are there and others are not, by this seed.
    SomeSectors(u64),
}

/// The test's side of the layer.
#[derive(Debug)]
pub(crate) struct Layer {
    folder: TempDir,
    control: File,
}

const SECTOR: usize = 512;

impl Layer {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the layer");
        fs::create_dir(folder.path().join("shadow")).expect("the shadow's folder");
        let path = folder.path().join("control");
        fs::write(&path, [0; 56]).expect("the control file");
        let control = File::options().read(true).write(true).open(path).expect("the control file");
        Self { folder, control }
    }

    /// The child's data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn shadow(&self) -> PathBuf {
        self.folder.path().join("shadow")
    }

    /// Makes a child live on this disk. With `power`, what was not synced is kept apart, and nothing is really synced.
    pub(crate) fn put_under(&self, command: &mut Command, power: bool) {
        command
            .env("LD_PRELOAD", library())
            .env("FAULTS_FOLDER", self.data())
            .env("FAULTS_CONTROL", self.folder.path().join("control"));
        if power {
            command.env("FAULTS_SHADOW", self.shadow());
        }
    }

    /// As [`Layer::put_under`], for a program that kills and restarts the child by itself: each one starts on what a
    /// power cut left of the one before. Its data folder lies somewhere below [`Layer::data`].
    pub(crate) fn put_under_cuts(&self, command: &mut Command) {
        self.put_under(command, true);
        command.env("FAULTS_CUT", "1");
    }

    /// Switches a fault on.
    pub(crate) fn break_down(&self, fault: Fault) {
        for (index, value) in [fault.skip, fault.fail, fault.error, fault.flavour as u64, 0, 0].into_iter().enumerate()
        {
            self.put(index + 1, value);
        }
        self.put(0, fault.what);
    }

    /// Switches it off; how many calls failed.
    pub(crate) fn repair(&self) -> u64 {
        self.put(0, 0);
        self.failed()
    }

    /// How many calls failed since the fault was switched on.
    pub(crate) fn failed(&self) -> u64 {
        self.get(5)
    }

    fn put(&self, index: usize, value: u64) {
        self.control.write_all_at(&value.to_ne_bytes(), index as u64 * 8).expect("writing the control file");
    }

    fn get(&self, index: usize) -> u64 {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, index as u64 * 8).expect("reading the control file");
        u64::from_ne_bytes(bytes)
    }

    /// Copies the data folder as it would be found after `loss`, without the index, which is rebuilt.
    pub(crate) fn copy_after(&self, loss: Loss, to: &Path) -> io::Result<()> {
        fs::create_dir_all(to)?;
        let mut names: Vec<_> = fs::read_dir(self.data())?.collect::<io::Result<Vec<_>>>()?;
        // The database before its log: what the log holds may be copied into the database in between.
        names.sort_by_key(fs::DirEntry::file_name);
        for entry in names {
            let name = entry.file_name();
            let text = name.to_string_lossy();
            if ![".db", "-wal", "-journal"].iter().any(|kind| text.ends_with(kind)) {
                continue;
            }
            let written = fs::read(entry.path())?;
            let found = match loss {
                Loss::Process => written,
                Loss::Unsynced => fs::read(self.shadow().join(&name))?,
                Loss::SomeSectors(seed) => mix(&fs::read(self.shadow().join(&name))?, &written, seed),
            };
            fs::write(to.join(&name), found)?;
        }
        Ok(())
    }

    /// Makes the data folder what is left of it after `loss`. The child must be dead.
    pub(crate) fn lose(&self, loss: Loss) -> io::Result<()> {
        let left = self.folder.path().join("left");
        self.copy_after(loss, &left)?;
        fs::remove_dir_all(self.data())?;
        fs::rename(left, self.data())?;
        fs::remove_dir_all(self.shadow())?;
        fs::create_dir(self.shadow())
    }
}

/// What is on disk when of the sectors that were written but not synced each one arrived or did not.
fn mix(synced: &[u8], written: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut coin = move || {
        // xorshift: any sequence will do, as long as the seed repeats it.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state & 1 == 1
    };
    let length = if coin() { written.len() } else { synced.len() };
    let mut found = synced.to_vec();
    found.resize(length, 0);
    for (at, sector) in written.chunks(SECTOR).enumerate().map(|(index, sector)| (index * SECTOR, sector)) {
        let end = (at + sector.len()).min(length);
        if at < end && coin() {
            found[at..end].copy_from_slice(&sector[..end - at]);
        }
    }
    found
}

/// The shim, compiled once a process.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (source, library) = (folder.join("faults.c"), folder.join("faults.so"));
        let fresh = folder.join(format!("faults-{}.so", std::process::id()));
        fs::write(&source, include_str!("shim.c")).expect("writing the shim's source");
        let compiled = Command::new("cc")
            .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-pthread", "-o"])
            .args([&fresh, &source])
            .status()
            .expect("a C compiler, which the bundled SQLite needs as well");
        assert!(compiled.success(), "the shim does not compile");
        fs::rename(fresh, &library).expect("the shim in its place");
        library
    })
}

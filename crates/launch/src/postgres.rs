//! A PostgreSQL server of one's own.

use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::port::free_port;
use crate::process::{children_of, is_running};
use crate::program::{Account, postgres_programs, run};
use crate::watchdog::Watchdog;

/// How long a start, an end, or taking over the port may take.
const LIMIT: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// A RAM disk with less room is left alone.
const ROOM: u64 = 2 * 1024 * 1024 * 1024;

/// What a server is to be like.
#[derive(Debug, Clone, Default)]
pub struct PostgresSettings {
    /// Where the server's own folder is made; its user (`postgres` when we are root) must be able to get there. By
    /// default the RAM disk, or the folder for temporary files when the server is durable.
    pub folder: Option<PathBuf>,
    /// Keeps PostgreSQL's defaults, under which a commit is on the disk. Otherwise nothing is synced: a killed server
    /// loses nothing, a killed machine everything.
    pub durable: bool,
    /// Further settings by name, over all others.
    pub settings: Vec<(String, String)>,
}

/// A running server on 127.0.0.1; ends with this value or with the process, and leaves nothing behind.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    account: Option<Account>,
    folder: PathBuf,
    settings: Vec<(String, String)>,
    port: u16,
    running: Mutex<Running>,
}

#[derive(Debug)]
struct Running {
    server: Option<Child>,
    watchdog: Watchdog,
}

/// Why a server that was started does not run.
struct Exited;

impl Postgres {
    /// Makes a cluster and starts its server on a free port.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    #[must_use]
    pub fn start(settings: PostgresSettings) -> Self {
        let account = Account::needed();
        let folder = make_folder(&settings, account);
        let watchdog = Watchdog::new("QUIT", Some(&folder));
        let mut postgres = Self {
            programs: postgres_programs(),
            account,
            folder,
            settings: all_settings(settings),
            port: 0,
            running: Mutex::new(Running { server: None, watchdog }),
        };
        postgres.make_cluster();
        postgres.start_on_a_free_port();
        postgres
    }

    /// The server that all tests of this process share; started at first use, ended when the process is gone.
    ///
    /// # Panics
    /// As [`Postgres::start`].
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(PostgresSettings::default()))
    }

    /// `postgres://postgres@127.0.0.1:PORT/DATABASE`.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Where it listens, on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Process id of its postmaster while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.running().server.as_ref().map(Child::id)
    }

    /// Makes an empty database.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn create(&self, database: &str) {
        run(self.client("createdb", &[database]));
    }

    /// Makes a copy of a database that nobody is connected to.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn create_from(&self, database: &str, template: &str) {
        run(self.client("createdb", &["--template", template, database]));
    }

    /// Removes a database, whoever is connected to it.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn remove(&self, database: &str) {
        run(self.client("dropdb", &["--force", "--if-exists", database]));
    }

    /// Runs SQL past the store and returns the rows, fields separated by `|`.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let arguments = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"];
        let mut command = self.client("psql", &arguments);
        command.args(["--dbname", database, "--command", sql]);
        run(command)
    }

    /// Kills the server and its sessions with -9, as a crash would end it; nothing of it runs when this returns.
    ///
    /// # Panics
    /// When something goes on running.
    pub fn kill(&self) {
        let mut running = self.running();
        if let Some(mut server) = running.server.take() {
            // Standing still, it starts no further session.
            let _ = kill_process(Pid::from_child(&server), Signal::STOP);
            let sessions = children_of(server.id());
            let _ = server.kill();
            let _ = server.wait();
            end_all(&sessions);
        }
        running.watchdog.forget();
    }

    /// Ends the server in order (a fast shutdown: sessions are cut); the data stays.
    ///
    /// # Panics
    /// When it does not end.
    pub fn stop(&self) {
        self.end(Signal::INT);
    }

    /// Starts a server that was killed or stopped, on the same port and data, and waits until it takes connections.
    ///
    /// # Panics
    /// When it runs, or does not start.
    pub fn start_again(&self) {
        let deadline = Instant::now() + LIMIT;
        while self.launch().is_err() {
            // What is left of a killed server holds on to its memory for a moment.
            let passing = self.last_words().contains("is still in use") && Instant::now() < deadline;
            assert!(passing, "PostgreSQL does not start again:\n{}", self.last_words());
            std::thread::sleep(LOOK_EVERY * 10);
        }
    }

    /// What the server wrote to its log.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    /// Where the server's own folder is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn make_cluster(&self) {
        let mut command = self.server("initdb");
        command.arg("--pgdata").arg(self.data());
        command.args(["--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8", "--locale=C"]);
        run(command);
    }

    /// A port that was free may be taken a moment later.
    fn start_on_a_free_port(&mut self) {
        for _ in 0..5 {
            self.port = free_port();
            if self.launch().is_ok() {
                return;
            }
            let log = self.last_words();
            assert!(log.contains("could not create any TCP/IP sockets"), "PostgreSQL does not start:\n{log}");
        }
        panic!("PostgreSQL finds no free port:\n{}", self.last_words());
    }

    fn launch(&self) -> Result<(), Exited> {
        let mut running = self.running();
        assert!(running.server.is_none(), "PostgreSQL runs already");
        let mut server = self.server_command().spawn().unwrap_or_else(|error| panic!("postgres: {error}"));
        running.watchdog.watch(server.id());
        match self.wait_until_ready(&mut server) {
            Ok(()) => running.server = Some(server),
            Err(Exited) => {
                running.watchdog.forget();
                return Err(Exited);
            }
        }
        Ok(())
    }

    fn server_command(&self) -> Command {
        let path = self.folder.join("log");
        let log = OpenOptions::new().create(true).append(true).open(&path);
        let log = log.unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        let mut command = self.server("postgres");
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        for (name, value) in &self.settings {
            command.args(["-c", &format!("{name}={value}")]);
        }
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("one more handle"))
            .stderr(log)
            // Ctrl-C is for the tests; the watchdog sees to the server.
            .process_group(0);
        command
    }

    /// The server writes down in its own lock file when it takes connections.
    fn wait_until_ready(&self, server: &mut Child) -> Result<(), Exited> {
        let deadline = Instant::now() + LIMIT;
        let number = server.id().to_string();
        loop {
            let file = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
            let lines: Vec<&str> = file.lines().map(str::trim).collect();
            if lines.first() == Some(&number.as_str()) && lines.get(7) == Some(&"ready") {
                return Ok(());
            }
            if server.try_wait().expect("the server is our child").is_some() {
                return Err(Exited);
            }
            assert!(Instant::now() < deadline, "PostgreSQL does not become ready:\n{}", self.last_words());
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn end(&self, signal: Signal) {
        let mut running = self.running();
        if let Some(mut server) = running.server.take() {
            let _ = kill_process(Pid::from_child(&server), signal);
            let _ = server.wait();
        }
        running.watchdog.forget();
    }

    fn server(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir("/");
        if let Some(account) = self.account {
            account.run(&mut command);
        }
        command
    }

    fn client(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.args(["--host=127.0.0.1", "--username=postgres", "--no-password"]);
        command.arg(format!("--port={}", self.port)).args(arguments).stdin(Stdio::null());
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // At once, sessions or not; the watchdog then removes the folder.
        self.end(Signal::QUIT);
    }
}

/// Left alone, sessions notice when they next wait for something.
fn end_all(sessions: &[u32]) {
    for session in sessions {
        let pid = i32::try_from(*session).ok().and_then(Pid::from_raw);
        let _ = kill_process(pid.expect("a process id"), Signal::KILL);
    }
    let deadline = Instant::now() + LIMIT;
    while let Some(session) = sessions.iter().find(|session| is_running(**session)) {
        assert!(Instant::now() < deadline, "session {session} outlives PostgreSQL");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn make_folder(settings: &PostgresSettings, account: Option<Account>) -> PathBuf {
    let parent = settings.folder.clone().unwrap_or_else(|| default_folder(settings.durable));
    let made = tempfile::Builder::new().prefix("agentchat-postgres-").tempdir_in(&parent);
    let folder = made.unwrap_or_else(|error| panic!("no folder in {}: {error}", parent.display())).keep();
    if let Some(account) = account {
        account.own(&folder);
    }
    folder
}

fn default_folder(durable: bool) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let room = rustix::fs::statvfs(memory).map_or(0, |disk| disk.f_bavail * disk.f_frsize);
    if durable || room < ROOM { std::env::temp_dir() } else { memory.to_owned() }
}

/// Later ones win.
fn all_settings(settings: PostgresSettings) -> Vec<(String, String)> {
    let always = [
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
        ("max_connections", "400"),
        ("shared_buffers", "64MB"),
        // In the cluster's folder, where it goes with the rest.
        ("dynamic_shared_memory_type", "mmap"),
    ];
    // Commits stay synchronous: otherwise a killed server loses those of its last moments.
    let fast = [("fsync", "off"), ("full_page_writes", "off"), ("max_wal_size", "256MB")];
    let fast = if settings.durable { &[][..] } else { &fast[..] };
    let ours = always.iter().chain(fast).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    ours.chain(settings.settings).collect()
}

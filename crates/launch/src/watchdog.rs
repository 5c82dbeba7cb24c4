//! A shell that ends what we started once we are gone, however we went.
//!
//! Its stdin is a pipe that only we can write to. We write the process id it is to end; when the pipe closes, be it
//! because we let go or because we were killed with -9, the shell ends that process and removes the folder.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// `$1` is the signal that is tried for ten seconds before KILL, `$2`, if any, the folder.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
process=
while read -r line; do process=$line; done
if [ -n "$process" ] && kill -s "$1" "$process"; then
    tries=0
    while kill -0 "$process" && [ "$tries" -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
    kill -s KILL "$process"
fi
tries=0
until [ -z "${2-}" ] || rm -rf "$2" || [ "$tries" -ge 100 ]; do sleep 0.1; tries=$((tries + 1)); done
"#;

/// Guards at most one process at a time, and a folder. Dropping it waits until both are gone.
#[derive(Debug)]
pub(crate) struct Watchdog {
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Watchdog {
    /// A shell that will end with `signal` (`KILL`, `QUIT`) what is watched then, and remove `folder`.
    pub(crate) fn new(signal: &str, folder: Option<&Path>) -> Self {
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "watchdog", signal])
            .args(folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            // Whoever reads our output must not wait for the shell's end.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A signal to our group must leave it standing.
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("sh does not start: {error}"));
        let pipe = shell.stdin.take();
        Self { shell, pipe }
    }

    /// From now on this process is the one to end.
    pub(crate) fn watch(&mut self, process: u32) {
        self.say(&process.to_string());
    }

    /// The watched process is gone; its number may become somebody else's.
    pub(crate) fn forget(&mut self) {
        self.say("");
    }

    fn say(&mut self, line: &str) {
        let pipe = self.pipe.as_mut().expect("the pipe is open until the drop");
        pipe.write_all(format!("{line}\n").as_bytes()).expect("the watchdog listens");
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _ = self.shell.wait();
    }
}

/// A program that ends with this value, and with our process in whatever way that ends.
#[derive(Debug)]
pub struct Watched {
    program: Child,
    started: Instant,
    watchdog: Watchdog,
}

impl Watched {
    /// Starts it, out of reach of what signals reach our group.
    ///
    /// # Errors
    /// Whatever starting a program fails with.
    ///
    /// # Panics
    /// When there is no `sh` to watch it.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        let mut watchdog = Watchdog::new("KILL", None);
        let started = Instant::now();
        let program = command.process_group(0).spawn()?;
        watchdog.watch(program.id());
        Ok(Self { program, started, watchdog })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.program.id()
    }

    /// How long ago it was started.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Its standard output, once, if that was piped.
    pub fn output(&mut self) -> Option<ChildStdout> {
        self.program.stdout.take()
    }

    /// Whether it ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.program.try_wait().is_ok_and(|status| status.is_some())
    }

    /// SIGTERM, then waits for its end.
    ///
    /// # Errors
    /// When it cannot be signalled or waited for.
    pub fn terminate(mut self) -> io::Result<ExitStatus> {
        kill_process(Pid::from_child(&self.program), Signal::TERM)?;
        self.program.wait()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
        self.watchdog.forget();
    }
}

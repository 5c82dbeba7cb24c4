//! The Debian packages that the stages need: servers for the Rust tests, interpreters for the official SDKs' suites.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::{is_there, program, run_quietly};

/// Run as root with the packages as arguments. Tests start their own servers on free ports, so the services that some
/// of the packages bring along stay off: without systemd they are only started in runlevels above 1, with systemd
/// they are ended again.
const INSTALL: &str = r#"
set -e
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
apt-get update -q
apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"
if [ -d /run/systemd/system ]; then
    for package in "$@"; do
        case $package in postgresql | nats-server | pgbouncer) systemctl disable --now "$package" ;; esac
    done
fi
"#;

/// Installs what the machine lacks, all of it in one go.
pub(crate) fn install() -> Result<Vec<String>> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let names = missing.join(" ");
    run_quietly(as_root(&missing)?).with_context(|| format!("these Debian packages are needed: {names}"))?;
    let left = self::missing();
    if !left.is_empty() {
        bail!("still missing after their installation: {}", left.join(" "));
    }
    Ok(vec![format!("installed {names}")])
}

fn missing() -> Vec<&'static str> {
    let packages = [
        ("postgresql", has_postgres as fn() -> bool),
        ("nats-server", || is_there("nats-server")),
        ("pgbouncer", || is_there("pgbouncer")),
        ("python3", || is_there("python3")),
        ("python3-venv", has_venv),
        ("nodejs", || is_there("node")),
        ("npm", || is_there("npm")),
    ];
    packages.into_iter().filter(|(_, is_there)| !is_there()).map(|(package, _)| package).collect()
}

/// Debian keeps the server's programs out of `PATH`, in a folder for each version.
fn has_postgres() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    is_there("postgres") || versions.into_iter().any(|version| is_there(version.path().join("bin/postgres")))
}

fn has_venv() -> bool {
    let mut venv = program("python3");
    venv.args(["-c", "import ensurepip, venv"]);
    venv.output().is_ok_and(|output| output.status.success())
}

fn as_root(packages: &[&str]) -> Result<Command> {
    let names = packages.join(" ");
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!("this is no Debian: install what these packages hold by hand: {names}");
    }
    let mut command = if is_root() {
        program("sh")
    } else if may_become_root() {
        let mut sudo = program("sudo");
        sudo.args(["-n", "sh"]);
        sudo
    } else {
        bail!("only root may install: apt-get install {names}");
    };
    command.args(["-c", INSTALL, "install"]).args(packages);
    Ok(command)
}

fn is_root() -> bool {
    let output = program("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Without being asked for a password.
fn may_become_root() -> bool {
    let output = program("sudo").args(["-n", "true"]).output();
    output.is_ok_and(|output| output.status.success())
}

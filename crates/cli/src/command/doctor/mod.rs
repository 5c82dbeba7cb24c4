//! `agentchat doctor`: what works and what does not, as a list.

mod checks;

use std::os::unix::fs::PermissionsExt;

use clap::Args;
use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;
use crate::printer::{Tone, columns};
use crate::profile::{Credentials, Profile};

#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// Repair what can be repaired here (the mode of the key's file)
    #[arg(long)]
    fix: bool,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Verdict {
    Pass,
    Warn,
    Fail,
}

/// One line of the list.
#[derive(Clone, Debug, Serialize)]
struct Check {
    name: &'static str,
    verdict: Verdict,
    text: String,
}

impl Check {
    fn new(name: &'static str, verdict: Verdict, text: impl Into<String>) -> Self {
        Self { name, verdict, text: text.into() }
    }

    fn pass(name: &'static str, text: impl Into<String>) -> Self {
        Self::new(name, Verdict::Pass, text)
    }

    fn warn(name: &'static str, text: impl Into<String>) -> Self {
        Self::new(name, Verdict::Warn, text)
    }

    fn fail(name: &'static str, text: impl Into<String>) -> Self {
        Self::new(name, Verdict::Fail, text)
    }
}

/// Prints the list; fails when a check failed.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> Result<(), Failure> {
    let mut list = vec![Check::pass("version", format!("agentchat {}", env!("CARGO_PKG_VERSION")))];
    let profile = context.profile()?;
    list.push(home(&profile));
    list.push(credentials(&profile, arguments.fix)?);
    list.extend(checks::server(context).await?);
    let failed = list.iter().filter(|check| check.verdict == Verdict::Fail).count();
    let rows: Vec<Vec<String>> = list.iter().map(|check| row(context, check)).collect();
    context.printer.data(columns(&rows), &list)?;
    match failed {
        0 => Ok(()),
        count => Err(Failure::failed(format!("{count} of {} checks failed", list.len()))),
    }
}

fn row(context: &Context, check: &Check) -> Vec<String> {
    let (tone, word) = match check.verdict {
        Verdict::Pass => (Tone::Good, "PASS"),
        Verdict::Warn => (Tone::Warning, "WARN"),
        Verdict::Fail => (Tone::Bad, "FAIL"),
    };
    vec![context.printer.paint(tone, word), check.name.to_owned(), check.text.clone()]
}

fn home(profile: &Profile) -> Check {
    let folder = profile.folder().display();
    match std::fs::metadata(profile.folder()) {
        Ok(metadata) if metadata.is_dir() => Check::pass("home", format!("{folder}")),
        Ok(_) => Check::fail("home", format!("{folder} is not a folder")),
        Err(_) => Check::warn("home", format!("{folder} does not exist yet")),
    }
}

fn credentials(profile: &Profile, fix: bool) -> Result<Check, Failure> {
    const NAME: &str = "credentials";
    let path = profile.credentials_path();
    let Ok(metadata) = std::fs::metadata(&path) else {
        return Ok(Check::warn(NAME, format!("no key saved in profile {}", profile.name())));
    };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 && fix {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600))?;
        return Ok(Check::pass(NAME, format!("mode was {mode:o}, is 600 now")));
    }
    if mode & 0o077 != 0 {
        return Ok(Check::fail(NAME, format!("others may read the key (mode {mode:o}); --fix repairs it")));
    }
    Ok(match profile.credentials() {
        Ok(Some(Credentials { handle, .. })) => Check::pass(NAME, format!("@{handle}, mode {mode:o}")),
        Ok(None) => Check::warn(NAME, "no key saved"),
        Err(failure) => Check::fail(NAME, failure.message),
    })
}

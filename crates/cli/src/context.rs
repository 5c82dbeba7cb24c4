//! What every command gets.

use std::path::PathBuf;

use crate::arguments::Globals;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::profile::Profile;

/// The environment variables that matter, read once at the start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    pub(crate) home: Option<PathBuf>,
    pub(crate) api_key: Option<String>,
    pub(crate) api_base: Option<String>,
    pub(crate) admin_token: Option<String>,
    pub(crate) database_url: Option<String>,
    pub(crate) no_colour: bool,
}

impl Environment {
    pub(crate) fn read() -> Self {
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let own_home = text("AGENTCHAT_HOME").map(PathBuf::from);
        Self {
            home: own_home.or_else(|| Some(std::env::home_dir()?.join(".agentchat"))),
            api_key: text("AGENTCHAT_API_KEY"),
            api_base: text("AGENTCHAT_API_BASE"),
            admin_token: text("AGENTCHAT_ADMIN_TOKEN"),
            database_url: text("AGENTCHAT_DATABASE_URL"),
            no_colour: text("NO_COLOR").is_some(),
        }
    }
}

/// Flags, environment and printer.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) globals: Globals,
    pub(crate) environment: Environment,
    pub(crate) printer: Printer,
}

impl Context {
    pub(crate) fn new(globals: Globals, environment: Environment, printer: Printer) -> Self {
        Self { globals, environment, printer }
    }

    /// The profile that was named, or the default one.
    pub(crate) fn profile(&self) -> Result<Profile, Failure> {
        self.named_profile(self.globals.profile.as_deref())
    }

    /// The profile `name`; none means the default one.
    pub(crate) fn named_profile(&self, name: Option<&str>) -> Result<Profile, Failure> {
        let home = self.environment.home.clone().ok_or_else(|| {
            Failure::failed("there is no home folder").hint("set AGENTCHAT_HOME to a folder of your own")
        })?;
        Profile::new(home, name)
    }
}

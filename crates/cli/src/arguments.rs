//! What can be typed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::command::{
    admin, completions, demo, doctor, export, inbox, listen, login, read, recover, register, rotate_key, send, sync,
};

/// Messaging for AI agents: the server, and a client for it
#[derive(Debug, Parser)]
#[command(name = "agentchat", version, propagate_version = true, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 not signed in, \
                          4 refused by the server, 5 server not reachable";

/// Flags of every command.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Globals {
    /// Print JSON: one document, or a line for each item of a stream
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Use the key and settings of this profile
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Address of the server [env: AGENTCHAT_API_BASE]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) api_base: Option<String>,
    /// Read the API key from this file
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) api_key_file: Option<PathBuf>,
    /// Say nothing but the data
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more on standard error
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server
    Serve(Box<agentchat_server::ServeArgs>),
    /// Watch three agents talk through a server of their own
    Demo(demo::Arguments),
    /// Create an account: first e-mail and handle, then the code from the mail
    Register(register::Arguments),
    /// Save a key that exists already
    Login(login::Arguments),
    /// Forget the saved key
    Logout,
    /// Show the own account
    Whoami,
    /// Show account, unread messages, key source and server
    Status,
    /// Get a new key by mail after the old one was lost
    Recover(recover::Arguments),
    /// Replace the key, confirmed by mail
    RotateKey(rotate_key::Arguments),
    /// Send a message to a handle or a conversation
    Send(send::Arguments),
    /// List the conversations
    Inbox(inbox::Arguments),
    /// Show a conversation
    Read(read::Arguments),
    /// Show the messages that wait for delivery, over all conversations
    Sync(sync::Arguments),
    /// Write down everything the account may see, one JSON object a line
    Export(export::Arguments),
    /// Receive live, one line an event
    Listen(listen::Arguments),
    /// Check the installation: home, key, server, socket, clock
    Doctor(doctor::Arguments),
    /// The operator's side: accounts and figures
    Admin(admin::Arguments),
    /// Measure a server under load
    #[command(disable_help_flag = true)]
    Bench {
        /// See `agentchat bench --help`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
        arguments: Vec<OsString>,
    },
    /// Print shell completions
    Completions(completions::Arguments),
    /// Print the manual page
    Man,
}

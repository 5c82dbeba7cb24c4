//! What goes wrong before any server is asked, and what needs none.

use crate::world::{bare, shown};

async fn run(arguments: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    let output = bare(home.path(), arguments).output().await.unwrap();
    shown(&output).replace(&home.path().display().to_string(), "HOME")
}

#[tokio::test]
async fn without_a_key_the_exit_code_is_3() {
    insta::assert_snapshot!(run(&["whoami"]).await, @r"
    exit 3
    --- stderr
    error: profile default has no key
    hint: `agentchat register` makes an account, `agentchat login` brings a key
    ");
}

#[tokio::test]
async fn a_wrong_flag_is_exit_code_2() {
    let text = run(&["send"]).await;
    assert!(text.starts_with("exit 2\n"), "{text}");
    let text = run(&["--profile", "../x", "whoami"]).await;
    insta::assert_snapshot!(text, @r"
    exit 2
    --- stderr
    error: `../x` is no profile name: use letters, digits, - and _
    ");
}

#[tokio::test]
async fn an_absent_server_is_exit_code_5() {
    let home = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let arguments = ["--api-base", &nowhere, "--json", "register", "--email", "a@example.com", "--handle", "abc"];
    let output = bare(home.path(), &arguments).output().await.unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", shown(&output));
    let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert!(error["error"]["hint"].as_str().unwrap().contains("is the server running?"), "{error}");
}

#[tokio::test]
async fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let text = run(&["completions", shell]).await;
        assert!(text.starts_with("exit 0\n") && text.contains("rotate-key"), "{shell}: {text}");
    }
}

#[tokio::test]
async fn the_manual_has_a_section_for_each_command() {
    let text = run(&["man"]).await;
    assert!(text.starts_with("exit 0\n--- stdout\n"), "{text}");
    for section in [".TH agentchat 1", "AGENTCHAT SERVE", "AGENTCHAT LISTEN", "AGENTCHAT ADMIN"] {
        assert!(text.contains(section), "{section} is missing");
    }
}

#[tokio::test]
async fn the_load_generator_is_mounted_with_flags_of_its_own() {
    let text = run(&["bench", "direct", "--help"]).await;
    assert!(text.starts_with("exit 0\n") && text.contains("--json <FILE>"), "{text}");
}

#[tokio::test]
async fn the_help_lists_everything_once() {
    insta::assert_snapshot!(run(&["--help"]).await, @r"
    exit 0
    --- stdout
    Messaging for AI agents: the server, and a client for it

    Usage: agentchat [OPTIONS] <COMMAND>

    Commands:
      serve        Run the server
      demo         Watch three agents talk through a server of their own
      register     Create an account: first e-mail and handle, then the code from the mail
      login        Save a key that exists already
      logout       Forget the saved key
      whoami       Show the own account
      status       Show account, unread messages, key source and server
      recover      Get a new key by mail after the old one was lost
      rotate-key   Replace the key, confirmed by mail
      send         Send a message to a handle or a conversation
      inbox        List the conversations
      read         Show a conversation
      sync         Show the messages that wait for delivery, over all conversations
      export       Write down everything the account may see, one JSON object a line
      listen       Receive live, one line an event
      doctor       Check the installation: home, key, server, socket, clock
      admin        The operator's side: accounts and figures
      bench        Measure a server under load
      completions  Print shell completions
      man          Print the manual page
      help         Print this message or the help of the given subcommand(s)

    Options:
          --json                 Print JSON: one document, or a line for each item of a stream
          --profile <NAME>       Use the key and settings of this profile
          --api-base <URL>       Address of the server [env: AGENTCHAT_API_BASE]
          --api-key-file <FILE>  Read the API key from this file
      -q, --quiet                Say nothing but the data
      -v, --verbose              Say more on standard error
      -h, --help                 Print help
      -V, --version              Print version

    Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 not signed in, 4 refused by the server, 5 server not
    reachable
    ");
}

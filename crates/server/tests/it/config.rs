//! Flags win over the environment, that over the file, that over the defaults.

use std::path::PathBuf;
use std::time::Duration;

use agentchat_server::{Config, ConfigError, LogFormat, MailTarget, Policy, Rate, ServeArgs};
use clap::{Args, Command, FromArgMatches};

fn flags(line: &str) -> ServeArgs {
    let command = ServeArgs::augment_args(Command::new("serve").no_binary_name(true));
    let matches = command.try_get_matches_from(line.split_whitespace()).unwrap();
    ServeArgs::from_arg_matches(&matches).unwrap()
}

fn resolve(line: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    flags(line)
        .resolve_with(|name| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
}

fn file(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agentchat.toml");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn defaults_are_the_contracts() {
    let config = resolve("--data-dir d", &[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.mail, MailTarget::Stdout);
    assert_eq!(config.reoffer, Duration::from_secs(300));
    assert_eq!(config.log, LogFormat::Json);
    assert_eq!(config.limits.rate(Policy::Send), Some(Rate::new(60, 1)));
    assert_eq!(config.limits.backlog_hard, 10_000);
    assert!(config.cors_origins.is_empty() && config.trusted_proxies.is_empty());
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let (_folder, path) =
        file("listen = \"127.0.0.1:1\"\ndata_dir = \"from-file\"\nlog = \"text\"\nreoffer_seconds = 5\n");
    let environment =
        [("AGENTCHAT_CONFIG", path.as_str()), ("AGENTCHAT_LISTEN", "127.0.0.1:2"), ("AGENTCHAT_REOFFER_SECONDS", "6")];
    let config = resolve("--listen 127.0.0.1:3", &environment).unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.reoffer, Duration::from_secs(6));
    assert_eq!(config.data_dir, PathBuf::from("from-file"));
    assert_eq!(config.log, LogFormat::Text);
}

#[test]
fn objects_are_in_the_data_folder_or_where_it_says() {
    let text = |config: Config| config.objects.to_string();
    assert_eq!(text(resolve("--data-dir d", &[]).unwrap()), "file:d/objects");
    let environment = [("AGENTCHAT_OBJECTS", "s3://bytes/a?region=eu-1")];
    assert_eq!(text(resolve("--data-dir d", &environment).unwrap()), "s3://bytes/a");
    assert_eq!(text(resolve("--data-dir d --objects file:/else", &environment).unwrap()), "file:/else");
    let (_folder, path) = file("data_dir = \"d\"\nobjects = \"s3://bytes\"\n");
    assert_eq!(text(resolve(&format!("--config {path}"), &[]).unwrap()), "s3://bytes");
    let wrong = resolve("--data-dir d --objects bytes", &[]).unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "--objects: `bytes` is neither file:DIR nor s3://BUCKET[/PREFIX][?endpoint=URL&region=NAME]"
    );
}

#[test]
fn limits_merge_one_by_one() {
    let (_folder, path) =
        file("data_dir = \"d\"\n[limits]\nsend = \"10/1\"\napi = \"off\"\ncold_cap = 7\nregister = 9\n");
    let line = format!("--config {path} --limit send=30/2 --limit backlog_hard=20");
    let config = resolve(&line, &[("AGENTCHAT_LIMIT", "cold_cap=8, send=20/1")]).unwrap();
    assert_eq!(config.limits.rate(Policy::Send), Some(Rate::new(30, 2)));
    assert_eq!(config.limits.rate(Policy::Api), None);
    assert_eq!(config.limits.rate(Policy::Register), Some(Rate::new(9, 3600)));
    assert_eq!(config.limits.cold_cap, 8);
    assert_eq!(config.limits.backlog_hard, 20);
}

#[test]
fn every_limit_of_the_table_can_be_set() {
    for policy in Policy::ALL {
        let config = resolve(&format!("--data-dir d --limit {}=3/7", policy.name()), &[]).unwrap();
        assert_eq!(config.limits.rate(*policy), Some(Rate::new(3, 7)), "{}", policy.name());
    }
    for name in agentchat_server::Limits::NUMBERS {
        let config = resolve(&format!("--data-dir d --limit {name}=123"), &[]).unwrap();
        assert!(config.limits.describe().contains(&(name, "123".to_owned())), "{name}");
    }
}

#[test]
fn mistakes_name_the_option() {
    let cases = [
        ("", "--data-dir: say which folder holds the data, for example --data-dir ./data"),
        ("--data-dir d --listen nowhere", "--listen: `nowhere` is not ADDRESS:PORT, for example 0.0.0.0:8080"),
        ("--data-dir d --limit sned=1/1", "there is no limit named `sned`"),
        ("--data-dir d --limit send", "--limit `send` is not NAME=VALUE"),
        ("--data-dir d --limit send=0/1", "`0/1` is not a limit: use L/W (per W seconds), a whole number, or off"),
        (
            "--data-dir d --mail pigeon",
            "--mail: use stdout, file:DIR or smtp(s)://user:password@host:port?from=ADDRESS",
        ),
        ("--data-dir d --admin-token short", "--admin-token: use at least 32 characters"),
        ("--data-dir d --trusted-proxy x", "--trusted-proxy: `x` is not an address or network, for example 10.0.0.0/8"),
        (
            "--data-dir d --database-url mysql://u:ppp@h/d",
            "--database-url: use postgres://user:password@host:port/database",
        ),
        (
            "--data-dir d --nats-url nats://h",
            "--nats-url: NATS wakes servers that share a database; one server alone needs none. \
             Give --database-url too, or leave --nats-url out",
        ),
        ("--data-dir d --public-url chat", "--public-url: `chat` is not a http:// or https:// URL"),
    ];
    for (line, expected) in cases {
        assert_eq!(resolve(line, &[]).unwrap_err().to_string(), expected);
    }
}

#[test]
fn an_unknown_line_in_the_file_is_refused() {
    let (_folder, path) = file("data_dir = \"d\"\nbucket_url = \"s3://\"\n");
    let error = resolve(&format!("--config {path}"), &[]).unwrap_err().to_string();
    assert!(error.contains("bucket_url"), "{error}");
}

#[test]
fn secrets_do_not_show() {
    let line = "--data-dir d --admin-token 0123456789abcdef0123456789abcdef --metrics-token mmm \
                --mail smtp://u:ppp@example.com --database-url postgres://u:qqq@h/d --nats-url nats://u:rrr@h";
    let shown = format!("{:?}", resolve(line, &[]).unwrap());
    for secret in ["0123456789abcdef", "mmm", "ppp", "qqq", "rrr"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn what_several_servers_share_comes_from_any_source() {
    let (_folder, path) = file("database_url = \"postgres://file/d\"\nnats_url = \"nats://file\"\n");
    let url = |secret: Option<agentchat_server::Secret>| secret.map(|url| url.expose().to_owned());
    let config = resolve(&format!("--config {path} --data-dir d"), &[]).unwrap();
    assert_eq!(url(config.database_url).as_deref(), Some("postgres://file/d"));
    assert_eq!(url(config.nats_url).as_deref(), Some("nats://file"));
    let environment =
        [("AGENTCHAT_DATABASE_URL", "postgresql://environment/d"), ("AGENTCHAT_NATS_URL", "nats://environment")];
    let config = resolve(&format!("--config {path} --data-dir d --nats-url nats://flag"), &environment).unwrap();
    assert_eq!(url(config.database_url).as_deref(), Some("postgresql://environment/d"));
    assert_eq!(url(config.nats_url).as_deref(), Some("nats://flag"));
    let config = resolve("--data-dir d", &[]).unwrap();
    assert_eq!((config.database_url, config.nats_url), (None, None));
}

#[test]
fn mail_targets() {
    let config = resolve("--data-dir d --mail file:/tmp/mail", &[]).unwrap();
    assert_eq!(config.mail, MailTarget::Folder(PathBuf::from("/tmp/mail")));
    assert!(matches!(resolve("--data-dir d --mail smtps://u:p@example.com", &[]).unwrap().mail, MailTarget::Smtp(_)));
}

#[test]
fn lists_come_from_any_source() {
    let environment =
        [("AGENTCHAT_TRUSTED_PROXY", "10.0.0.0/8, 192.0.2.1"), ("AGENTCHAT_CORS_ORIGIN", "https://a.example")];
    let config =
        resolve("--data-dir d --cors-origin https://b.example --cors-origin https://c.example", &environment).unwrap();
    assert_eq!(config.trusted_proxies.len(), 2);
    assert_eq!(config.cors_origins, ["https://b.example", "https://c.example"]);
}

#[test]
fn a_contact_for_weaknesses_is_a_uri() {
    let contact = |text: &str| resolve(&format!("--data-dir d --security-contact {text}"), &[]);
    for (text, uri) in [
        ("ops@example.com", "mailto:ops@example.com"),
        ("mailto:ops@example.com", "mailto:ops@example.com"),
        ("https://example.com/security", "https://example.com/security"),
    ] {
        assert_eq!(contact(text).unwrap().security_contact.as_deref(), Some(uri));
    }
    for text in ["example.com", "http://example.com", "javascript:a@b"] {
        assert!(contact(text).unwrap_err().to_string().starts_with("--security-contact: "), "{text}");
    }
    let environment = [("AGENTCHAT_SECURITY_CONTACT", "tel:+49"), ("AGENTCHAT_LIMIT", "retention_days=90")];
    let config = resolve("--data-dir d", &environment).unwrap();
    assert_eq!((config.security_contact.as_deref(), config.limits.retention_days), (Some("tel:+49"), 90));
    assert_eq!(resolve("--data-dir d", &[]).unwrap().limits.retention_days, 0);
}

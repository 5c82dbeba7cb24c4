//! Which crate may use which, read from `cargo metadata`. Development dependencies are free.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// Crates of the workspace that each may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("agentchat-protocol", &[]),
    ("agentchat-store", &["agentchat-protocol"]),
    ("agentchat-bus", &[]),
    ("agentchat-egress", &[]),
    ("agentchat-objects", &[]),
    ("agentchat-core", &["agentchat-protocol", "agentchat-store"]),
    (
        "agentchat-server",
        &[
            "agentchat-bus",
            "agentchat-core",
            "agentchat-egress",
            "agentchat-objects",
            "agentchat-protocol",
            "agentchat-store",
        ],
    ),
    ("agentchat", &["agentchat-protocol"]),
    ("agentchat-launch", &["agentchat-store"]),
    ("agentchat-store-test", &[]),
    ("agentchat-testkit", &["agentchat", "agentchat-launch", "agentchat-protocol", "agentchat-server"]),
    ("agentchat-bench", &["agentchat", "agentchat-core", "agentchat-launch", "agentchat-protocol", "agentchat-store"]),
    ("agentchat-cli", &["agentchat", "agentchat-bench", "agentchat-protocol", "agentchat-server"]),
    ("xtask", &[]),
];

/// Libraries that only the named crates may use.
const OWNERS: &[(&str, &[&str])] = &[
    ("rusqlite", &["agentchat-store"]),
    ("tokio-postgres", &["agentchat-store"]),
    ("async-nats", &["agentchat-bus"]),
    ("axum", &["agentchat-server"]),
    ("object_store", &["agentchat-objects"]),
    ("image", &["agentchat-objects"]),
    ("utoipa", &["agentchat-server", "agentchat-protocol"]),
];

/// Libraries that the named crate must do without.
const WITHOUT: &[(&str, &[&str])] =
    &[("agentchat-protocol", &["tokio", "axum", "hyper"]), ("agentchat-core", &["tokio", "axum", "hyper", "rand"])];

fn dependencies() -> BTreeMap<String, Vec<String>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages.iter().map(|package| (text(&package["name"]), normal_dependencies(package))).collect()
}

fn normal_dependencies(package: &Value) -> Vec<String> {
    let all = package["dependencies"].as_array().expect("dependencies");
    all.iter().filter(|one| one["kind"].is_null()).map(|one| text(&one["name"])).collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[test]
fn crates_use_only_what_stands_below_them() {
    let found = dependencies();
    assert_eq!(found.len(), ARROWS.len(), "a crate was added or removed: say here what it may use");
    for (name, allowed) in ARROWS {
        let used = found.get(*name).unwrap_or_else(|| panic!("no crate {name}"));
        for one in used.iter().filter(|one| found.contains_key(*one)) {
            assert!(allowed.contains(&one.as_str()), "{name} must not use {one}");
        }
    }
}

#[test]
fn libraries_stay_with_their_owners() {
    let found = dependencies();
    for (library, owners) in OWNERS {
        for (name, used) in &found {
            let uses = used.iter().any(|one| one == library);
            assert!(!uses || owners.contains(&name.as_str()), "{name} must not use {library}");
        }
    }
    for (name, libraries) in WITHOUT {
        for library in *libraries {
            assert!(!found[*name].iter().any(|one| one == library), "{name} must do without {library}");
        }
    }
}

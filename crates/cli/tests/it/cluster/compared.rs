//! The comparison of installations, small.

use serde_json::Value;

use crate::bench::{SHORT, assert_clean, measure};

fn cpu(run: &Value, part: &str) -> Option<f64> {
    run[part].as_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_one_node_and_two_nodes_are_measured_in_one_run() {
    let home = tempfile::tempdir().unwrap();
    let arguments: Vec<&str> =
        ["cluster", "--compare", "--nodes", "2", "--senders", "4"].into_iter().chain(SHORT).collect();
    let runs = measure(home.path(), &arguments).await;
    runs.iter().for_each(assert_clean);
    let shapes: Vec<_> =
        runs.iter().map(|run| (run["engine"].as_str().unwrap(), run["nodes"].as_u64().unwrap())).collect();
    assert_eq!(shapes, [("sqlite", 1), ("postgres", 1), ("postgres", 2)]);
    assert!(runs.iter().all(|run| cpu(run, "server_cpu_us") > Some(0.0)), "{runs:?}");
    let postgres: Vec<bool> = runs.iter().map(|run| cpu(run, "postgres_cpu_us") > Some(0.0)).collect();
    assert_eq!(postgres, [false, true, true]);
    let nats: Vec<bool> = runs.iter().map(|run| cpu(run, "nats_cpu_us").is_some()).collect();
    assert_eq!(nats, [false, false, true]);
}

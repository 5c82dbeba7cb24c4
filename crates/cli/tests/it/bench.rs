//! The load generator, small: its books balance, and its figures are there.

use std::path::Path;

use serde_json::Value;

use crate::world::bare;

/// Runs a measurement of this very program; its results.
pub(crate) async fn measure(home: &Path, arguments: &[&str]) -> Vec<Value> {
    let file = home.join("results.json");
    let mut command = bare(home, &["bench"]);
    command.args(arguments).arg("--folder").arg(home).arg("--json").arg(&file);
    let output = command.output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    report["results"].as_array().unwrap().clone()
}

pub(crate) fn assert_clean(run: &Value) {
    assert!(run["acked"].as_u64().unwrap() > 0, "{run}");
    assert!(run["sent"].as_u64() > run["acked"].as_u64(), "warm-up and farewell do not count: {run}");
    for fault in ["lost", "duplicated", "reordered", "refused", "unsettled"] {
        assert_eq!(run[fault], 0, "{run}");
    }
    assert!(run["delivery_us"]["p50"].as_u64() <= run["delivery_us"]["p99"].as_u64(), "{run}");
    assert!(run["server_rss_kib"].as_u64().unwrap() > 1024, "{run}");
}

pub(crate) const SHORT: [&str; 4] = ["--warmup", "0.2", "--seconds", "0.5"];

#[tokio::test(flavor = "multi_thread")]
async fn direct_sends_balance_on_every_way() {
    let home = tempfile::tempdir().unwrap();
    let ways = [
        ["--transport", "http,ws", "--senders", "4", "--receivers", "4"],
        ["--transport", "ws", "--senders", "5", "--receivers", "2"],
        ["--driver", "sdk", "--senders", "3", "--receivers", "3"],
    ];
    for way in ways {
        let arguments: Vec<&str> = ["direct"].into_iter().chain(way).chain(SHORT).collect();
        measure(home.path(), &arguments).await.iter().for_each(assert_clean);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kills() {
    let home = tempfile::tempdir().unwrap();
    let arguments = ["crash", "--rounds", "2", "--pairs", "4", "--earliest", "100", "--latest", "400"];
    let rounds = measure(home.path(), &arguments).await;
    assert_eq!(rounds.len(), 2);
    for round in rounds {
        assert!(round["acked"].as_u64().unwrap() > 0 && round["refused"].as_u64().unwrap() > 0, "{round}");
        for fault in ["missing", "holes", "undelivered", "out_of_order", "refused_but_kept"] {
            assert_eq!(round[fault], 0, "{round}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_measurements_come_to_an_end() {
    let home = tempfile::tempdir().unwrap();
    let sockets = measure(home.path(), &["sockets", "--counts", "10,60", "--rest", "0.1"]).await;
    assert_eq!((&sockets[0]["sockets"], &sockets[1]["sockets"]), (&10.into(), &60.into()));
    let start = measure(home.path(), &["start", "--runs", "2"]).await;
    assert_eq!(start[0]["ready_ms"].as_array().unwrap().len(), 2);
    let log = measure(home.path(), &["log", "--senders", "2", "--seconds", "1"]).await;
    assert!(log[0]["largest_log_bytes"].as_u64().unwrap() > 0);
    assert_clean(&log[0]["load"]);
    let store: Vec<&str> = ["store", "--senders", "2"].into_iter().chain(SHORT).collect();
    assert!(measure(home.path(), &store).await[0]["sent_per_second"].as_f64().unwrap() > 0.0);
}

//! demo --once: from nothing to a balanced summary.

use serde_json::Value;

use crate::world::bare;

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_ends_with_balanced_books() {
    let home = tempfile::tempdir().unwrap();
    let output = bare(home.path(), &["demo", "--once", "--json"]).output().await.unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{talk}");
    assert_eq!(talk.matches(" registered with the code ").count(), 3, "{talk}");
    let lines: Vec<Value> =
        String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (summary, events) = lines.split_last().unwrap();
    assert_eq!(events.len(), 17, "every line of the dialogues is shown once");
    assert_eq!(summary["sent"], summary["delivered"]);
    assert_eq!(summary["sent"], summary["acked"]);
    assert_eq!(summary["sent"], 17 + 6 * 20);
    for fault in ["lost", "duplicated", "reordered"] {
        assert_eq!(summary[fault], 0, "{summary}");
    }
    assert!(summary["p50_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "the demo leaves nothing in the home");
}

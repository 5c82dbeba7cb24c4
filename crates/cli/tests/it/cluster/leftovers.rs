//! Whatever ends a run, nothing of it stays behind.

use std::time::{Duration, Instant};

use super::family::{Process, children, is_running};
use crate::world::bare;

/// Three nodes, PostgreSQL and NATS run.
fn is_complete(family: &[Process]) -> bool {
    let count = |what: &str| family.iter().filter(|process| process.command.contains(what)).count();
    count(" serve ") == 3 && count("/postgres ") == 1 && count("nats-server ") == 1
}

async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within 60 s: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn everything_ends_with_a_run_that_is_killed() {
    let home = tempfile::tempdir().unwrap();
    let mut command = bare(home.path(), &["bench", "cluster", "--seconds", "600"]);
    let mut run = command.arg("--folder").arg(home.path()).spawn().unwrap();
    let id = run.id().unwrap();
    let family = until("everything runs", || Some(children(id)).filter(|family| is_complete(family))).await;
    run.kill().await.unwrap();
    let left = || family.iter().filter(|process| is_running(process.id)).count();
    until("nothing is left", || (left() == 0).then_some(())).await;
}

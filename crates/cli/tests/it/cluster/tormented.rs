//! A node, NATS and PostgreSQL are killed with -9 under traffic and started again: nothing acknowledged is lost, no
//! handler sees a message twice or too late, and the clients come back by themselves.

use crate::bench::measure;

#[tokio::test(flavor = "multi_thread")]
async fn killed_parts_cost_time_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let arguments = ["cluster", "--seconds", "15", "--rate", "100", "--faults", "node,nats,postgres"];
    let results = measure(home.path(), &arguments).await;
    let [run] = results.as_slice() else { panic!("one run: {results:?}") };
    assert_eq!((&run["intended"], &run["acked"], &run["handed"]), (&1500.into(), &1500.into(), &1500.into()), "{run}");
    for fault in
        ["lost", "duplicated", "reordered", "missing", "holes", "unexpected", "misplaced", "strange", "unsettled"]
    {
        assert_eq!(run[fault], 0, "{fault}: {run}");
    }
    assert!(run["reconnects"].as_u64() >= Some(1), "{run}");
    let killed: Vec<&str> = run["outages"].as_array().unwrap().iter().filter_map(|one| one["part"].as_str()).collect();
    assert_eq!(killed, ["node 0", "NATS", "PostgreSQL"]);
    assert!(run["delivery_us"]["p50"].as_u64() <= run["delivery_us"]["max"].as_u64(), "{run}");
}

//! What the index of words costs the sends: runs with it and without it in turn, so that both see the same machine.

use serde::Serialize;

use super::{Arguments, Outcome, Scenario};
use crate::process::Machine;
use crate::report::{self, Report, table};

/// A run, and whether the server indexed meanwhile.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    /// Whether messages were taken into the index.
    pub indexed: bool,
    /// The figures.
    #[serde(flatten)]
    pub load: Outcome,
}

/// Measures every combination so many times in pairs, and reports.
pub(super) fn run(arguments: &Arguments, pairs: usize) -> anyhow::Result<()> {
    let mut compared: Vec<Compared> = Vec::new();
    let mut ratios = Vec::new();
    for scenario in arguments.scenarios() {
        let first = compared.len();
        for pair in 0..pairs.max(1) {
            // Neither is always the first.
            for indexed in [pair % 2 == 0, pair % 2 != 0] {
                compared.push(once(arguments, &scenario, indexed)?);
            }
        }
        ratios.push(ratio(&scenario, &compared[first..]));
    }
    let machine = Machine::inspect(&arguments.server.parent_folder());
    let rows: Vec<Vec<String>> = compared.iter().map(row).collect();
    let heading = ["run", "acked/s", "delivery p50 µs", "p99 µs", "server µs/msg", "RSS MiB"];
    let text = format!("{}\n{}", table::markdown(&heading, &rows), ratios.concat());
    arguments.output.write(&Report::new("direct --compare-search", machine, &compared), &text, String::new)?;
    super::balanced(compared.iter().map(|one| &one.load))
}

fn once(arguments: &Arguments, scenario: &Scenario, indexed: bool) -> anyhow::Result<Compared> {
    let without = (!indexed).then(|| "--no-search".to_owned());
    let server = arguments.server.launch()?.flags(without).start()?;
    let load = scenario.measure(&server.service())?;
    server.stop()?;
    let compared = Compared { indexed, load };
    report::talk(&format!("{}: {}", compared.name(), compared.load));
    Ok(compared)
}

impl Compared {
    fn name(&self) -> &'static str {
        if self.indexed { "with the index" } else { "--no-search" }
    }
}

fn row(one: &Compared) -> Vec<String> {
    let load = &one.load;
    let known = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    vec![
        format!("{:?} {}, {}", load.transport, load.senders, one.name()).to_lowercase(),
        format!("{:.0}", load.acked_per_second),
        load.delivery_us.p50.to_string(),
        load.delivery_us.p99.to_string(),
        known(load.server_cpu_us.map(|cpu| format!("{cpu:.0}"))),
        known(load.server_rss_kib.map(|kib| (kib / 1024).to_string())),
    ]
}

fn ratio(scenario: &Scenario, compared: &[Compared]) -> String {
    let of = |indexed| {
        median(compared.iter().filter(|one| one.indexed == indexed).map(|one| one.load.acked_per_second).collect())
    };
    let (with, without) = (of(true), of(false));
    format!(
        "{:?} {}: median {with:.0}/s with the index, {without:.0}/s without: {:.3}\n",
        scenario.transport,
        scenario.senders,
        with / without.max(1.0)
    )
}

/// Of an even number the mean of the two in the middle; 0 of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match (values.len(), values.len() / 2) {
        (0, _) => 0.0,
        (count, middle) if count % 2 == 0 => (values[middle - 1] + values[middle]) / 2.0,
        (_, middle) => values[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_lies_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(vec![]), 0.0);
    }
}

//! Table and plot of the direct-send runs.

use super::canvas::{COLOURS, Canvas, Panel, round_steps};
use super::table;
use crate::direct::Outcome;
use crate::direct::window::BUCKET;

const SIZE: (f64, f64) = (380.0, 260.0);

/// One row a run.
#[must_use]
pub fn table(outcomes: &[Outcome]) -> String {
    let heading = [
        "run",
        "acked/s",
        "p50 µs",
        "p99 µs",
        "p999 µs",
        "answer p50",
        "answer p99",
        "server µs/msg",
        "generator µs/msg",
        "RSS MiB",
        "lost/dup/reord",
    ];
    let rows: Vec<Vec<String>> = outcomes.iter().map(row).collect();
    table::markdown(&heading, &rows)
}

fn row(outcome: &Outcome) -> Vec<String> {
    let optional = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    let faults = outcome.faults;
    vec![
        name(outcome),
        format!("{:.0}", outcome.acked_per_second),
        outcome.delivery_us.p50.to_string(),
        outcome.delivery_us.p99.to_string(),
        outcome.delivery_us.p999.to_string(),
        outcome.answer_us.p50.to_string(),
        outcome.answer_us.p99.to_string(),
        optional(outcome.server_cpu_us.map(|cpu| format!("{cpu:.0}"))),
        format!("{:.0}", outcome.generator_cpu_us),
        optional(outcome.server_rss_kib.map(|kib| (kib / 1024).to_string())),
        format!("{}/{}/{}", faults.lost, faults.duplicated, faults.reordered),
    ]
}

fn name(outcome: &Outcome) -> String {
    let (transport, senders) = (format!("{:?}", outcome.transport).to_lowercase(), outcome.senders);
    let driver = format!("{:?}", outcome.driver).to_lowercase();
    format!("{transport} {senders} ({driver})")
}

/// Three panels: sends a second, the same over time, percentiles of the delivery.
#[must_use]
pub fn plot(outcomes: &[Outcome]) -> String {
    let mut canvas = Canvas::new(3, SIZE);
    let names: Vec<String> = outcomes.iter().map(name).collect();
    bars(&mut canvas, outcomes, &names);
    series(&mut canvas, outcomes, &names);
    percentiles(&mut canvas, outcomes);
    canvas.finish()
}

fn bars(canvas: &mut Canvas, outcomes: &[Outcome], names: &[String]) {
    let most = outcomes.iter().map(|outcome| outcome.acked_per_second).fold(1.0, f64::max) * 1.08;
    let panel = Panel::new(0, SIZE, (-0.6, outcomes.len() as f64 - 0.4), (0.0, most));
    let labels: Vec<(f64, String)> = names.iter().enumerate().map(|(at, name)| (at as f64, short(name))).collect();
    let steps: Vec<_> = round_steps(most).into_iter().filter(|(value, _)| *value <= most).collect();
    canvas.frame(&panel, "Acknowledged sends per second", &labels, &steps);
    for (at, outcome) in outcomes.iter().enumerate() {
        canvas.bar(&panel, at as f64, outcome.acked_per_second, 0.7, COLOURS[at % COLOURS.len()]);
    }
}

fn short(name: &str) -> String {
    name.split(" (").next().unwrap_or(name).to_owned()
}

fn series(canvas: &mut Canvas, outcomes: &[Outcome], names: &[String]) {
    let per_second = 1.0 / BUCKET.as_secs_f64();
    let lines: Vec<Vec<(f64, f64)>> = outcomes
        .iter()
        .map(|outcome| outcome.series.iter().enumerate())
        .map(|series| series.map(|(at, &count)| (at as f64 / per_second, f64::from(count) * per_second)).collect())
        .collect();
    let most = lines.iter().flatten().map(|point| point.1).fold(1.0, f64::max) * 1.05;
    let length = lines.iter().flatten().map(|point| point.0).fold(1.0, f64::max);
    let panel = Panel::new(1, SIZE, (0.0, length), (0.0, most));
    let steps: Vec<_> = round_steps(most).into_iter().filter(|(value, _)| *value <= most).collect();
    let seconds: Vec<_> = round_steps(length).into_iter().filter(|(value, _)| *value <= length).collect();
    canvas.frame(&panel, "Acknowledged sends per second, over the window (s)", &seconds, &steps);
    for (at, line) in lines.iter().enumerate() {
        canvas.line(&panel, line, COLOURS[at % COLOURS.len()]);
    }
    canvas.legend(&panel, names);
}

fn percentiles(canvas: &mut Canvas, outcomes: &[Outcome]) {
    let nines = |share: f64| -(1.0 - share).max(1e-9).log10();
    let most = outcomes.iter().map(|outcome| f64::from(outcome.delivery_us.p999)).fold(1000.0, f64::max);
    let panel = Panel::new(2, SIZE, (0.0, 3.0), (2.0, most.log10().ceil()));
    let shares = [(0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %")];
    let labels: Vec<(f64, String)> = shares.iter().map(|&(share, label)| (nines(share), label.to_owned())).collect();
    let powers = [(2.0, "0.1 ms"), (3.0, "1 ms"), (4.0, "10 ms"), (5.0, "100 ms"), (6.0, "1 s"), (7.0, "10 s")];
    let steps: Vec<_> = powers
        .iter()
        .filter(|(power, _)| *power <= most.log10().ceil())
        .map(|&(power, label)| (power, label.to_owned()))
        .collect();
    canvas.frame(&panel, "Send to delivery, percentiles", &labels, &steps);
    for (at, outcome) in outcomes.iter().enumerate() {
        let points: Vec<(f64, f64)> = outcome
            .delivery_us
            .curve
            .iter()
            .map(|&(share, us)| (nines(share), f64::from(us.max(100)).log10()))
            .collect();
        canvas.line(&panel, &points, COLOURS[at % COLOURS.len()]);
    }
}

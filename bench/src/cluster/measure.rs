//! Installations that are left alone: what each does a second, how long it takes and what it costs.

use anyhow::bail;
use serde::Serialize;

use super::Arguments;
use super::installation::{Engine, Installation, Shape};
use crate::direct::{self, Scenario};
use crate::process::Machine;
use crate::report::{self, Report, table};

/// One run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measured {
    /// Where the nodes keep their data.
    pub engine: Engine,
    /// Nodes.
    pub nodes: usize,
    /// Whether a commit is on the disk before it is answered.
    pub durable: bool,
    /// The figures.
    #[serde(flatten)]
    pub load: direct::Outcome,
}

/// Runs every installation with every number of senders, each afresh, and reports.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut measured: Vec<Measured> = Vec::new();
    for shape in shapes(arguments) {
        for &senders in &arguments.senders {
            let one = once(arguments, &shape, senders)?;
            report::talk(&format!("{}: {}", one.name(), one.load));
            measured.push(one);
        }
    }
    let machine = Machine::inspect(&arguments.server.parent_folder());
    arguments.output.write(&Report::new("cluster", machine, &measured), &rows(&measured), String::new)?;
    match measured.iter().find(|one| !one.load.is_clean()) {
        Some(one) => bail!("the books do not balance: {}: {}", one.name(), one.load),
        None => Ok(()),
    }
}

fn shapes(arguments: &Arguments) -> Vec<Shape> {
    let shape = |engine, nodes| Shape { engine, nodes, ..arguments.shape.clone() };
    if arguments.compare {
        let several = (arguments.shape.nodes > 1).then(|| shape(Engine::Postgres, arguments.shape.nodes));
        return [shape(Engine::Sqlite, 1), shape(Engine::Postgres, 1)].into_iter().chain(several).collect();
    }
    match arguments.shape.engine {
        Engine::Sqlite => vec![shape(Engine::Sqlite, 1)],
        Engine::Postgres => vec![arguments.shape.clone()],
    }
}

fn once(arguments: &Arguments, shape: &Shape, senders: usize) -> anyhow::Result<Measured> {
    let installation = Installation::start(&arguments.server, shape, &[])?;
    let load = direct::Load {
        warmup: arguments.warmup,
        seconds: arguments.seconds(),
        text_bytes: 200,
        threads: 1,
        driver: arguments.driver,
    };
    let scenario = Scenario { transport: arguments.transport, senders, receivers: senders, load };
    let load = scenario.measure(&installation.service());
    let load = load.map_err(|error| error.context(installation.log_tails()))?;
    Ok(Measured {
        engine: shape.engine,
        nodes: shape.nodes,
        durable: shape.durable || shape.engine == Engine::Sqlite,
        load,
    })
}

impl Measured {
    fn name(&self) -> String {
        let engine = match self.engine {
            Engine::Sqlite => "SQLite",
            Engine::Postgres if self.durable => "PostgreSQL",
            Engine::Postgres => "PostgreSQL in memory",
        };
        format!("{engine} × {}, {} senders", self.nodes, self.load.senders)
    }
}

fn rows(measured: &[Measured]) -> String {
    let heading = [
        "run",
        "acked/s",
        "answer p50 µs",
        "p99 µs",
        "delivery p50 µs",
        "p99 µs",
        "nodes µs/msg",
        "PostgreSQL µs/msg",
        "NATS µs/msg",
        "generator µs/msg",
        "lost/dup/reord",
    ];
    table::markdown(&heading, &measured.iter().map(row).collect::<Vec<_>>())
}

fn row(one: &Measured) -> Vec<String> {
    let (load, faults) = (&one.load, one.load.faults);
    let cpu = |us: Option<f64>| us.map_or_else(|| "–".to_owned(), |us| format!("{us:.0}"));
    vec![
        one.name(),
        format!("{:.0}", load.acked_per_second),
        load.answer_us.p50.to_string(),
        load.answer_us.p99.to_string(),
        load.delivery_us.p50.to_string(),
        load.delivery_us.p99.to_string(),
        cpu(load.server_cpu_us),
        cpu(load.postgres_cpu_us),
        cpu(load.nats_cpu_us),
        cpu(Some(load.generator_cpu_us)),
        format!("{}/{}/{}", faults.lost, faults.duplicated, faults.reordered),
    ]
}

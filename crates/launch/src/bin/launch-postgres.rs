//! A PostgreSQL server for tests that are not Rust's: prints its address and runs until stdin is closed.

use std::io::{Read, Write};

use agentchat_launch::{Postgres, PostgresSettings};

fn main() -> std::io::Result<()> {
    let postgres = Postgres::start(PostgresSettings::default());
    let mut output = std::io::stdout();
    writeln!(output, "{}", postgres.url("").trim_end_matches('/'))?;
    output.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

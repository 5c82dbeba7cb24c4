//! A run without an answer that could be kept.

use agentchat_store::{Tx, Write};

use super::Keyed;
use crate::Error;

/// Frees the key of a run, so that the same request may be tried again.
#[derive(Debug, Clone)]
pub struct ForgetRun(pub Keyed);

impl Write for ForgetRun {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        Ok(tx.forget_run(self.0.scope, &self.0.key, &self.0.run).await?)
    }
}

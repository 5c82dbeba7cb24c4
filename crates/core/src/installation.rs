//! What is drawn once for an installation and kept in its store.

use agentchat_store::{Tx, Write};

use crate::Error;

/// Asks for the installation's secret of a name; `fresh` becomes it the first time.
#[derive(Debug, Clone, Copy)]
pub struct InstallationSecret {
    pub name: &'static str,
    pub fresh: [u8; 32],
}

impl Write for InstallationSecret {
    type Out = [u8; 32];
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<[u8; 32], Error> {
        Ok(tx.installation_secret(self.name, &self.fresh).await?)
    }
}

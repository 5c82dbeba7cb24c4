//! `meta`: secrets and facts of this installation.

use crate::{Result, Tx};

impl Tx<'_> {
    /// The installation's 32-byte secret of that name; `fresh` becomes it when there is none yet.
    pub async fn installation_secret(&mut self, name: &str, fresh: &[u8; 32]) -> Result<[u8; 32]> {
        self.execute(
            "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING",
            &[name.into(), fresh.into()],
        )
        .await?;
        let found =
            self.query_opt("SELECT value FROM meta WHERE key = $1", &[name.into()], |row| row.bytes::<32>(0)).await?;
        found.ok_or_else(|| crate::StoreError::Internal(format!("secret {name} is missing")))
    }
}

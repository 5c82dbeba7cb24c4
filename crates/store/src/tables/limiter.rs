//! `limiter`: token buckets (GCRA) that are exact on every node.

use crate::{Engine, Result, Tx};

macro_rules! purge {
    ($lock:literal) => {
        concat!(
            "DELETE FROM limiter WHERE (policy, key) IN \
             (SELECT policy, key FROM limiter WHERE tat_us <= $1 ORDER BY tat_us LIMIT $2",
            $lock,
            ")"
        )
    };
}

impl Tx<'_> {
    /// Takes a token of a bucket that gives one every `interval_us` and holds `window_us` of them; all times in
    /// microseconds. `None`: it is taken. Else how long to wait for one; nothing is taken then.
    pub async fn take_token(
        &mut self,
        policy: i64,
        key: &[u8; 32],
        interval_us: i64,
        window_us: i64,
        now_us: i64,
    ) -> Result<Option<i64>> {
        // A bucket's first token is always there.
        let taken = self
            .execute(
                "INSERT INTO limiter (policy, key, tat_us) VALUES ($1, $2, $3) \
                 ON CONFLICT (policy, key) DO UPDATE \
                 SET tat_us = CASE WHEN limiter.tat_us > $4 THEN limiter.tat_us ELSE $4 END + $5 \
                 WHERE limiter.tat_us + $5 - $4 <= $6",
                &[
                    policy.into(),
                    key.into(),
                    (now_us + interval_us).into(),
                    now_us.into(),
                    interval_us.into(),
                    window_us.into(),
                ],
            )
            .await?;
        if taken > 0 {
            return Ok(None);
        }
        let arrival = self.token_arrival(policy, key).await?;
        Ok(Some(arrival.map_or(1, |arrival| (arrival + interval_us - now_us - window_us).max(1))))
    }

    /// When a bucket is full again, in microseconds; `None` for one that is.
    pub async fn token_arrival(&mut self, policy: i64, key: &[u8; 32]) -> Result<Option<i64>> {
        let sql = "SELECT tat_us FROM limiter WHERE policy = $1 AND key = $2";
        self.query_int(sql, &[policy.into(), key.into()]).await
    }

    /// Gives a token back.
    pub async fn give_token_back(&mut self, policy: i64, key: &[u8; 32], interval_us: i64) -> Result<()> {
        self.execute(
            "UPDATE limiter SET tat_us = tat_us - $1 WHERE policy = $2 AND key = $3",
            &[interval_us.into(), policy.into(), key.into()],
        )
        .await?;
        Ok(())
    }

    /// Forgets up to `limit` buckets that are full again. Answers how many there were.
    pub async fn purge_tokens(&mut self, now_us: i64, limit: i64) -> Result<u64> {
        let sql = match self.engine() {
            Engine::Sqlite => purge!(""),
            Engine::Postgres => purge!(" FOR UPDATE SKIP LOCKED"),
        };
        self.execute(sql, &[now_us.into(), limit.into()]).await
    }
}

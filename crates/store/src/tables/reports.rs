//! `report`, and what blocks and reports come to.

use crate::key::AgentKey;
use crate::{Result, Tx};

/// Since when blocks and reports count, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedSince {
    /// For a restriction.
    pub restrict: i64,
    /// For a suspension.
    pub suspend: i64,
}

/// What counts against an agent: only what came from those whom it has written to first, and after it was last
/// reinstated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Against {
    /// Blocks since [`CountedSince::restrict`].
    pub blocks_lately: i64,
    /// Blocks since [`CountedSince::suspend`].
    pub blocks: i64,
    /// Reports since [`CountedSince::suspend`].
    pub reports: i64,
}

/// Rows of a table about an agent that count, `b` being the row: the two have a conversation that the agent began.
macro_rules! counted {
    ($select:literal, $table:literal, $by:literal, $about:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $select,
            " FROM ",
            $table,
            " b JOIN agent a ON a.pk = b.",
            $about,
            " JOIN conversation c ",
            "ON c.low = CASE WHEN b.",
            $by,
            " < a.pk THEN b.",
            $by,
            " ELSE a.pk END ",
            "AND c.high = CASE WHEN b.",
            $by,
            " < a.pk THEN a.pk ELSE b.",
            $by,
            " END AND c.initiator = a.pk ",
            "WHERE (a.reinstated_at IS NULL OR b.created_at > a.reinstated_at) ",
            $rest
        )
    };
}

impl Tx<'_> {
    /// Notes a report; false when this reporter has reported this agent before.
    pub async fn add_report(
        &mut self,
        reporter: AgentKey,
        reported: AgentKey,
        reason: Option<&str>,
        now: i64,
    ) -> Result<bool> {
        let added = self
            .execute(
                "INSERT INTO report (reporter, reported, reason, created_at) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (reporter, reported) DO NOTHING",
                &[reporter.into(), reported.into(), reason.into(), now.into()],
            )
            .await?;
        Ok(added == 1)
    }

    /// What counts against an agent.
    pub async fn counted_against(&mut self, agent: AgentKey, since: CountedSince) -> Result<Against> {
        let CountedSince { restrict, suspend } = since;
        let blocks = self
            .query_opt(
                counted!(
                    "COALESCE(SUM(CASE WHEN b.created_at >= $1 THEN 1 ELSE 0 END), 0), \
                     COALESCE(SUM(CASE WHEN b.created_at >= $2 THEN 1 ELSE 0 END), 0)",
                    "block",
                    "blocker",
                    "blocked",
                    "AND b.blocked = $3 AND b.created_at >= $4"
                ),
                &[restrict.into(), suspend.into(), agent.into(), restrict.min(suspend).into()],
                |row| Ok((row.int(0)?, row.int(1)?)),
            )
            .await?;
        let reports = self
            .query_int(
                counted!("COUNT(*)", "report", "reporter", "reported", "AND b.reported = $1 AND b.created_at >= $2"),
                &[agent.into(), suspend.into()],
            )
            .await?;
        let (blocks_lately, blocks) = blocks.unwrap_or((0, 0));
        Ok(Against { blocks_lately, blocks, reports: reports.unwrap_or(0) })
    }

    /// What was said against an agent up to now counts no more.
    pub async fn set_agent_reinstated(&mut self, agent: AgentKey, now: i64) -> Result<()> {
        self.execute("UPDATE agent SET reinstated_at = $1 WHERE pk = $2", &[now.into(), agent.into()]).await?;
        Ok(())
    }
}

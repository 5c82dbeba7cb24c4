//! The operator's view of what was reported.

use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::handle::Handle;
use agentchat_protocol::id::{ConversationId, EscalationId, MessageId};
use agentchat_protocol::support::{Escalation, EscalationCategory, EscalationChange, EscalationStatus};
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::tables::EscalationRow;
use agentchat_store::{Read, StoreError, Tx, Write};

use crate::{Error, Rejection};

/// Statuses as they are stored.
const STATUSES: [EscalationStatus; 4] =
    [EscalationStatus::Open, EscalationStatus::InProgress, EscalationStatus::Resolved, EscalationStatus::Discarded];

/// Which reports are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatusFilter {
    /// Those that wait for somebody.
    Live,
    Only(EscalationStatus),
    All,
}

impl StatusFilter {
    /// `live`, `all` or a status.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "live" => Some(Self::Live),
            "all" => Some(Self::All),
            other => EscalationStatus::known(other).map(Self::Only),
        }
    }

    fn range(&self) -> (i64, i64) {
        match self {
            Self::Live => (0, 1),
            Self::Only(status) => (number(status), number(status)),
            Self::All => (0, 3),
        }
    }
}

/// A page of reports, newest first.
#[derive(Debug, Clone)]
pub struct ListEscalations {
    pub filter: StatusFilter,
    /// Only those from before.
    pub before: Option<Timestamp>,
    pub limit: u64,
}

impl Read for ListEscalations {
    type Out = Vec<Escalation>;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<Escalation>, Error> {
        let before = self.before.map_or(i64::MAX, Timestamp::as_millis);
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        let rows = tx.escalations(self.filter.range(), before, limit).await?;
        Ok(rows.into_iter().map(escalation).collect::<Result<_, _>>()?)
    }
}

/// Moves a report to another status. Its end is stamped with time and operator; opened again it has none.
#[derive(Debug, Clone)]
pub struct ChangeEscalation {
    /// None: an id that is none.
    pub id: Option<EscalationId>,
    pub change: EscalationChange,
    /// Who says so.
    pub operator: String,
    pub now: Timestamp,
}

impl Write for ChangeEscalation {
    type Out = Escalation;
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Escalation, Error> {
        let unknown = || Rejection::new(ErrorCode::NotFound, "No such escalation");
        let id = self.id.ok_or_else(unknown)?;
        let mut row = tx.escalation_to_change(&id.bytes()).await?.ok_or_else(unknown)?;
        let ends = self.change.status.is_terminal();
        row.status = number(&self.change.status);
        row.resolved_at = ends.then_some(self.now.as_millis());
        row.resolved_by = ends.then(|| self.operator.clone());
        row.note = self.change.note.clone().or(row.note);
        tx.update_escalation(&row).await?;
        Ok(escalation(row)?)
    }
}

fn number(status: &EscalationStatus) -> i64 {
    STATUSES.iter().position(|one| one == status).map_or(-1, |place| place as i64)
}

fn escalation(row: EscalationRow) -> Result<Escalation, StoreError> {
    let damaged = |what: &str| StoreError::Internal(format!("a stored escalation's {what} is not readable"));
    let status = usize::try_from(row.status).ok().and_then(|number| STATUSES.get(number));
    Ok(Escalation {
        id: EscalationId::from_bytes(row.id),
        from_agent_handle: Handle::parse(&row.handle).map_err(|_| damaged("handle"))?,
        conversation_id: ConversationId::direct(row.conversation_id),
        original_message_id: MessageId::from_bytes(row.message_id),
        category: EscalationCategory::from(row.category.as_str()),
        summary: row.summary,
        status: status.cloned().ok_or_else(|| damaged("status"))?,
        created_at: Timestamp::from_millis(row.created_at),
        resolved_at: row.resolved_at.map(Timestamp::from_millis),
        resolved_by: row.resolved_by,
        resolution_note: row.note,
    })
}

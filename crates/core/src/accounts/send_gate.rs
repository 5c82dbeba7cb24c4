//! The send gate: how often codes go to one e-mail, whatever flow asks.

use agentchat_protocol::email::Email;
use agentchat_protocol::error::ErrorCode;
use agentchat_protocol::id::PendingId;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_store::{Tx, Write};

use super::CodeRules;
use crate::{Error, Rejection};

const HOUR_MS: i64 = 3_600_000;
const PURGE: u64 = 64;

/// Whether another code may go to this e-mail now. Passing old codes are swept on the way.
pub(super) async fn check_gate(
    tx: &mut Tx<'_>,
    email: &Email,
    rules: &CodeRules,
    now: Timestamp,
) -> Result<Result<(), Rejection>, Error> {
    tx.lock_mailbox(email);
    let window = HOUR_MS.max(rules.cooldown_ms);
    tx.purge_codes(now, now.plus_millis(-window), PURGE).await?;
    let sent = tx.codes_sent(email, now.plus_millis(-window)).await?;
    Ok(judge(&sent, rules, now))
}

/// `sent` is newest first.
fn judge(sent: &[Timestamp], rules: &CodeRules, now: Timestamp) -> Result<(), Rejection> {
    let cooldown = cooldown_left(sent, rules, now);
    if cooldown > 0 {
        return Err(Rejection::new(
            ErrorCode::OtpCooldown,
            "A code was sent moments ago, wait before asking for another",
        )
        .retry_after_ms(cooldown.unsigned_abs()));
    }
    // The slot that has to leave the window before another fits.
    let blocking = rules.hourly.checked_sub(1).and_then(|index| sent.get(usize::try_from(index).ok()?));
    match blocking.map(|at| at.plus_millis(HOUR_MS).millis_since(now)) {
        Some(wait) if wait > 0 => Err(Rejection::new(ErrorCode::OtpHourlyCap, "Too many codes within an hour")
            .retry_after_ms(wait.unsigned_abs())),
        _ => Ok(()),
    }
}

/// Milliseconds until the cooldown of the newest code is over; not above 0 when it is.
pub(super) fn cooldown_left(sent: &[Timestamp], rules: &CodeRules, now: Timestamp) -> i64 {
    sent.first().map_or(0, |at| at.plus_millis(rules.cooldown_ms).millis_since(now))
}

/// Undoes a begun flow whose mail could not be handed over: the pending and its slot are gone.
#[derive(Debug)]
pub struct ReleaseSlot {
    pub pending: PendingId,
    pub email: Email,
}

impl Write for ReleaseSlot {
    type Out = ();
    type Error = Error;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        tx.delete_pending(self.pending).await?;
        tx.delete_code_sent(&self.email, self.pending).await?;
        Ok(())
    }
}

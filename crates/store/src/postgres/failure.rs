//! What an error of PostgreSQL means for the operation that met it.

use tokio_postgres::error::{Error, SqlState};

use crate::StoreError;

/// Whether running the operation again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Somebody else was in the way: a deadlock, a serialization failure.
    Again,
    /// A row was there that the operation had not seen: another transaction has made it since. It is seen next time.
    LookAgain,
    /// The connection is gone, or the server is going down or coming up.
    Reconnect,
    None,
}

pub(crate) fn remedy(error: &Error) -> Remedy {
    let Some(code) = error.code() else {
        return if lost_connection(error) { Remedy::Reconnect } else { Remedy::None };
    };
    if *code == SqlState::UNIQUE_VIOLATION {
        return Remedy::LookAgain;
    }
    if [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code) {
        return Remedy::Again;
    }
    let restarts = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::READ_ONLY_SQL_TRANSACTION,
    ];
    if code.code().starts_with("08") || restarts.contains(code) { Remedy::Reconnect } else { Remedy::None }
}

fn lost_connection(error: &Error) -> bool {
    error.is_closed() || std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>())
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let text = spelled(&error);
        match (remedy(&error), error.code()) {
            (Remedy::Again | Remedy::Reconnect, _) => Self::Unavailable(text),
            (Remedy::None, Some(code)) if is_passing(code) => Self::Unavailable(text),
            (Remedy::LookAgain | Remedy::None, _) => Self::Internal(text),
        }
    }
}

/// No resources (53), stopped by an operator or a timeout (57), disk errors (58), a lock not had in time (55).
fn is_passing(code: &SqlState) -> bool {
    ["53", "55", "57", "58"].iter().any(|class| code.code().starts_with(class))
}

/// The server's own words; the library's `Display` says only that there was an error.
pub(crate) fn spelled(error: &Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(said), _) => format!("PostgreSQL: {} ({})", said.message(), said.code().code()),
        (None, Some(source)) => format!("PostgreSQL: {error}: {source}"),
        (None, None) => format!("PostgreSQL: {error}"),
    }
}

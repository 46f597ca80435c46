//! What an error of the database means for the caller: away, full, a defect, or a commit that nobody knows about.

use std::{fmt::Display, time::Duration};

use sea_orm::{DbErr, RuntimeErr, sqlx};

/// Marks the error of a commit whose outcome is not known.
const OUTCOME_UNKNOWN: &str = "it is not known whether the commit took effect: ";

/// What kind of error it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The database cannot be reached, is starting, stopping or busy: the same may work in a moment. Nothing was changed.
    Away,
    /// A commit was sent and its answer never came.
    OutcomeUnknown,
    /// There is no room left on the disk, or it fails.
    Disk,
    /// A text contains the character NUL, which PostgreSQL cannot store.
    Nul,
    /// A defect.
    Defect,
}

/// What `error` means.
pub fn failure(error: &DbErr) -> Failure {
    match error {
        DbErr::Conn(RuntimeErr::Internal(text)) if text.starts_with(OUTCOME_UNKNOWN) => Failure::OutcomeUnknown,
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => of_driver(cause),
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Failure::Away,
        _ => Failure::Defect,
    }
}

fn of_driver(error: &sqlx::Error) -> Failure {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Failure::Away,
        sqlx::Error::Database(error) => match error.code().as_deref() {
            Some(code) if code.len() == 5 => of_sqlstate(code),
            // SQLITE_FULL, and SQLITE_IOERR with what is more exact in the higher bits.
            Some(code) if code.parse().is_ok_and(|code: u32| matches!(code & 0xff, 10 | 13)) => Failure::Disk,
            _ => Failure::Defect,
        },
        _ => Failure::Defect,
    }
}

fn of_sqlstate(code: &str) -> Failure {
    match code {
        // disk_full, io_error
        "53100" | "58030" => Failure::Disk,
        // character_not_in_repertoire
        "22021" => Failure::Nul,
        // idle_in_transaction_session_timeout, lock_not_available, query_canceled (statement_timeout), read-only after a
        // switch-over, and what the database asks to repeat.
        "25P03" | "55P03" | "57014" | "25006" | "40001" | "40P01" => Failure::Away,
        // Connection exceptions, too few resources, shutting down or starting; and whoever cannot sign in any longer.
        _ if ["08", "53", "57P", "28"].iter().any(|class| code.starts_with(class)) => Failure::Away,
        _ => Failure::Defect,
    }
}

/// The error of a commit of which it is not known whether it took effect.
pub(super) fn outcome_unknown(cause: impl Display) -> DbErr {
    DbErr::Conn(RuntimeErr::Internal(format!("{OUTCOME_UNKNOWN}{cause}")))
}

/// The error of a call that was not answered within `limit`.
pub fn silent(limit: Duration) -> DbErr {
    DbErr::Conn(RuntimeErr::Internal(format!("the database did not answer within {} s", limit.as_secs())))
}

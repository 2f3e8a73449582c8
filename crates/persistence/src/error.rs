//! The one error of this crate and its class. Which query it came from is the caller's to say.

use std::error::Error;
use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::pooled_connection::deadpool::PoolError;
use domain::fault::{Fault, FaultKind};

/// How the server begins to say that two transactions waited for each other (class 40P01).
const DEADLOCK: &str = "deadlock detected";

/// Why something could not be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum PersistenceError {
    /// No connection could be made.
    #[error("the database cannot be reached")]
    Unreachable(#[source] PoolError),
    /// No connection was made or became free in time.
    #[error("the database gave no connection within {0:?}")]
    NoConnection(Duration),
    /// A statement failed, or found nothing where something must be.
    #[error("the database refused a statement")]
    Statement(#[from] DieselError),
    /// A row holds what this version of the code cannot read.
    #[error("column `{column}` holds what cannot be read")]
    Unreadable {
        /// The column.
        column: &'static str,
        /// What the parser said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A value has no form that can be stored.
    #[error("a value cannot be written")]
    Unwritable(#[source] serde_json::Error),
    /// A row names one tenant and another one's integration.
    #[error("the integration is another tenant's")]
    WrongTenant,
    /// The migrations could not be applied or reverted.
    #[error("the migrations failed")]
    Migration(#[source] Box<dyn Error + Send + Sync>),
}

impl PersistenceError {
    /// Whether two transactions got into each other's way: begun anew, this one sees what the other left.
    #[must_use]
    pub fn is_collision(&self) -> bool {
        let Self::Statement(DieselError::DatabaseError(kind, information)) = self else { return false };
        matches!(kind, DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::SerializationFailure)
            || information.message().starts_with(DEADLOCK)
    }
}

impl Fault for PersistenceError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Unreachable(_) | Self::NoConnection(_) => FaultKind::Unavailable,
            Self::Statement(error) => kind_of(error),
            Self::Unwritable(_) | Self::WrongTenant => FaultKind::Invalid,
            Self::Unreadable { .. } | Self::Migration(_) => FaultKind::Internal,
        }
    }
}

fn kind_of(error: &DieselError) -> FaultKind {
    if let DieselError::DatabaseError(kind, information) = error {
        return match kind {
            DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::ExclusionViolation => FaultKind::Conflict,
            DatabaseErrorKind::ForeignKeyViolation
            | DatabaseErrorKind::NotNullViolation
            | DatabaseErrorKind::CheckViolation
            | DatabaseErrorKind::RestrictViolation => FaultKind::Invalid,
            DatabaseErrorKind::SerializationFailure
            | DatabaseErrorKind::ReadOnlyTransaction
            | DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand => FaultKind::Unavailable,
            _ if is_passing(information.message()) => FaultKind::Unavailable,
            _ => FaultKind::Internal,
        };
    }
    if matches!(error, DieselError::NotFound) {
        FaultKind::NotFound
    } else if matches!(error, DieselError::BrokenTransactionManager) {
        FaultKind::Unavailable
    } else {
        FaultKind::Internal
    }
}

/// Whether the same statement may succeed later, without anybody changing it.
fn is_passing(message: &str) -> bool {
    is_going_away(message) || has_no_room(message) || message.starts_with(DEADLOCK)
}

/// Whether the server says that it stops, starts or ends this session (classes 57P and 53300).
///
/// diesel passes the text on, but not the code.
fn is_going_away(message: &str) -> bool {
    ["terminating connection", "the database system is", "sorry, too many clients", "remaining connection slots"]
        .iter()
        .any(|beginning| message.starts_with(beginning))
}

/// Whether the server says that its disk is full (class 53100), in the system's words or, where a part found room, in its own.
fn has_no_room(message: &str) -> bool {
    message.ends_with("No space left on device")
        || (message.starts_with("could not extend file") && message.contains(": wrote only "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_shuts_down_is_away_and_no_mistake_of_ours() {
        let said = "terminating connection due to administrator command".to_owned();
        let error = DieselError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(said));
        assert_eq!(PersistenceError::from(error).kind(), FaultKind::Unavailable);
    }

    #[test]
    fn a_server_whose_disk_is_full_is_away_until_it_has_room() {
        let messages = [
            "could not extend file \"base/16384/2619\": No space left on device",
            "could not extend file \"base/16384/2619\": wrote only 4096 of 8192 bytes at block 7",
            "could not write to file \"pg_wal/xlogtemp.42\": No space left on device",
        ];
        for said in messages {
            let error = DieselError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(said.to_owned()));
            assert_eq!(PersistenceError::from(error).kind(), FaultKind::Unavailable, "{said}");
        }
    }

    #[test]
    fn two_transactions_that_wait_for_each_other_collide_and_may_try_again() {
        let error = DieselError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(DEADLOCK.to_owned()));
        let error = PersistenceError::from(error);
        assert_eq!((error.is_collision(), error.kind()), (true, FaultKind::Unavailable));
    }

    #[test]
    fn a_duplicate_is_a_conflict() {
        let error = DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, Box::new(String::new()));
        assert_eq!(PersistenceError::from(error).kind(), FaultKind::Conflict);
    }
}

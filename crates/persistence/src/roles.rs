//! The roles that services connect as: their passwords. What they may do is said in `migrations/`.

use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::statement::sql_query;
use crate::{PersistenceError, Transaction};

/// A role that services connect as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceRole {
    /// The api-gateway: one tenant at a time.
    Gateway,
    /// All others: every tenant.
    Worker,
}

impl ServiceRole {
    /// Its name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gateway => "coccinelle_gateway",
            Self::Worker => "coccinelle_worker",
        }
    }
}

#[derive(QueryableByName)]
struct Statement {
    #[diesel(sql_type = Text)]
    text: String,
}

/// Gives a role its password.
///
/// # Errors
/// When whoever asks may not change roles, or the database does not answer.
pub async fn set_password(
    tx: &mut Transaction,
    role: ServiceRole,
    password: &SecretString,
) -> Result<(), PersistenceError> {
    // ALTER ROLE takes no parameters; the server itself quotes what it is given.
    let quoted: Statement = sql_query("SELECT format('ALTER ROLE %I PASSWORD %L', $1, $2) AS text")
        .bind::<Text, _>(role.name())
        .bind::<Text, _>(password.expose_secret())
        .get_result(&mut **tx)
        .await?;
    tx.batch_execute(&Zeroizing::new(quoted.text)).await?;
    Ok(())
}

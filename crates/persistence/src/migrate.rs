//! The embedded migrations: applying and reverting them as the database's owner. What they say is in `migrations/`.

use diesel_async::{AsyncMigrationHarness, AsyncPgConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use secrecy::{ExposeSecret, SecretString};

use crate::connection;
use crate::error::PersistenceError;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Applies what was not applied yet; returns the versions, in order.
///
/// Needs a multi-threaded runtime.
///
/// # Errors
/// When the owner cannot connect, or a migration fails; those before it stay applied.
pub async fn run(owner_url: &SecretString) -> Result<Vec<String>, PersistenceError> {
    let mut harness = connect(owner_url).await?;
    let applied = harness.run_pending_migrations(MIGRATIONS).map_err(PersistenceError::Migration)?;
    Ok(applied.iter().map(ToString::to_string).collect())
}

/// Reverts everything that was applied, the newest first; returns the versions. All data is lost.
///
/// Needs a multi-threaded runtime.
///
/// # Errors
/// When the owner cannot connect, or a migration fails; those before it stay reverted.
pub async fn revert_all(owner_url: &SecretString) -> Result<Vec<String>, PersistenceError> {
    let mut harness = connect(owner_url).await?;
    let reverted = harness.revert_all_migrations(MIGRATIONS).map_err(PersistenceError::Migration)?;
    Ok(reverted.iter().map(ToString::to_string).collect())
}

async fn connect(owner_url: &SecretString) -> Result<AsyncMigrationHarness<AsyncPgConnection>, PersistenceError> {
    let connection = connection::establish(owner_url.expose_secret()).await;
    let connection = connection.map_err(|error| PersistenceError::Migration(Box::new(error)))?;
    Ok(AsyncMigrationHarness::new(connection))
}

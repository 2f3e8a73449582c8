//! Everything that is kept in PostgreSQL, one module an aggregate; the only place that knows SQL. What the rows mean is `domain`'s.

pub mod audit;
pub mod breakers;
pub mod budgets;
pub mod catalogue;
pub mod data_keys;
pub mod database;
pub mod erasure;
pub mod error;
pub mod event_acceptances;
pub mod grants;
pub mod health;
pub mod idempotency;
pub mod inbox;
pub mod incidents;
pub mod integrations;
pub mod live;
pub mod log_page;
pub mod log_partitions;
pub mod log_retention;
pub mod mappings;
pub mod migrate;
pub mod oauth_states;
pub mod overview;
pub mod people;
pub mod policies;
pub mod records;
pub mod roles;
pub mod runs;
pub mod sealed;
pub mod sessions;
pub mod settings;
pub mod stats;
pub mod subscriptions;
pub mod sync_logs;
pub mod tenants;
pub mod tokens;
pub mod webhook_logs;
pub mod webhook_secrets;
pub mod workflows;

mod log_owners;
mod schema;
mod statement;
mod text;

pub use database::{Database, Scope, Transaction};
pub use error::PersistenceError;

//! Everything that is kept in PostgreSQL, one module an aggregate; the only place that knows SQL. What the rows mean is `domain`'s.

pub mod database;
pub mod error;
pub mod migrate;
pub mod records;

mod schema;
mod text;

pub use database::{Database, Scope, Transaction};
pub use error::PersistenceError;

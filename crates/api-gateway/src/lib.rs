//! The API of Coccinelle Integrations: who asks, what they may, what they are told. Working off is the dispatcher's.

mod audit;
mod auth;
mod body;
mod change;
mod conflicts;
mod door;
mod events;
mod idempotency;
mod integrations;
mod mappings;
pub mod openapi;
mod page;
mod records;
mod reference;
mod refusal;
mod routes;
mod runs;
mod sessions;
mod settings;
pub mod startup;
mod state;
mod stats;
mod stream;
mod suppressions;
mod unknown;
mod version;
mod workflows;

//! The API of Coccinelle Integrations: who asks, what they may, what they are told. Working off is the dispatcher's.

mod audit;
mod auth;
mod body;
mod change;
mod conflicts;
mod door;
mod events;
#[cfg(fuzzing)]
pub mod fuzzing;
mod idempotency;
mod incidents;
mod integrations;
mod mappings;
mod oauth;
pub mod openapi;
mod page;
mod pages;
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
mod tokens;
mod unknown;
mod version;
mod workflows;

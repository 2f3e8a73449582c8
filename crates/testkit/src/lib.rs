//! What a test needs around it: a database, a vhost, a proxy that can be cut, waiting by condition. None of our crates.
//!
//! Every test owns its world: what it is given here is its own, and goes away with the value, also when the test fails.
//! What a killed run leaves behind is swept by a later one.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test whose surroundings cannot be made ends here, with the sentence that says what to do"
)]

pub mod cut;
mod database;
mod environment;
mod leftover;
mod management;
mod outside;
mod template;
mod vhost;
pub mod wait;

pub use database::{TestDatabase, database, dump, execute};
pub use management::QueuedMessage;
pub use vhost::{TestVhost, vhost};

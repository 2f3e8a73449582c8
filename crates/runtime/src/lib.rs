//! What every binary needs around its work: settings, logs, metrics, health, shutdown, the HTTP frame, an allocator. No business rules.

pub mod config;
pub mod crash;
pub mod crypto;
pub mod health;
pub mod http;
pub mod metrics;
pub mod shutdown;
pub mod telemetry;

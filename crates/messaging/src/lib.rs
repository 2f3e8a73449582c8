//! The broker: topology, publishing with confirms, consuming with retries. The only crate that speaks AMQP.
//!
//! What travels is in `domain::message`; what is done with it is the services'.

mod admission;
pub mod asyncapi;
mod broker;
mod buried;
mod channel;
pub mod consumer;
mod context;
mod dead_letters;
mod deliveries;
mod delivery;
mod depth;
mod envelope;
mod error;
pub mod gather;
mod metric;
mod publisher;
mod session;
mod subscription;
mod supervisor;
pub mod topology;

pub use broker::{Broker, BrokerOptions};
pub use buried::DeadLetter;
pub use context::Context;
pub use deliveries::Deliveries;
pub use delivery::Delivery;
pub use depth::Depth;
pub use error::PublishError;

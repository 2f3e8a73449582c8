//! Writes outcomes into the logs in batches and keeps the logs' partitions. What is worth logging is the senders' to say.

pub mod startup;

mod batch;
mod log;
mod upkeep;
mod writer;

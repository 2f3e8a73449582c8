//! Writes outcomes into the logs in batches and keeps the logs' partitions. What is worth logging is the senders' to say.

pub mod startup;

mod alerts;
mod batch;
mod log;
mod queues;
mod retention;
mod upkeep;
mod writer;

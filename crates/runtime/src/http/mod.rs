//! The frame of every listener: problem bodies, the trace of a request, who sent it, limits, operations pages, serving until told to stop.

mod headers;
mod operations;
mod patience;
mod peer;
mod problem;
mod server;
mod trace;

#[cfg(test)]
mod tests;

pub use operations::{operations, serve_operations};
pub use peer::Peer;
pub use problem::{FieldError, Problem, ProblemBody};
pub use server::{Bound, bind};
pub use trace::Trace;

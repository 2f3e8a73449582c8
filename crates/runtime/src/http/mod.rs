//! The frame of every listener: problem bodies, the trace of a request, operations pages, serving until told to stop.

mod operations;
mod problem;
mod server;
mod trace;

#[cfg(test)]
mod tests;

pub use operations::{operations, serve_operations};
pub use problem::{FieldError, Problem, ProblemBody};
pub use server::{Bound, bind};
pub use trace::Trace;

//! The service that takes the platforms' deliveries. Looking into them is `sync-dispatcher`'s.

mod body;
mod door;
#[cfg(fuzzing)]
pub mod fuzzing;
mod intake;
mod keeper;
mod keys;
mod refusals;
mod repetitions;
mod routes;
pub mod startup;

//! Erasing persons: what is taken away, and the keyed hashes by which whoever was erased is not taken in again. Hashing is `vault`'s.

mod account;
mod erase;
pub mod erasures;
mod left_alone;
mod letters;
mod logging;
mod pending;
mod person;
mod suppressions;

pub use account::{forget_records, forget_traces};
pub use erase::{Receipt, erase};
pub use left_alone::stand_in;
pub(crate) use logging::without_erased;
pub use pending::{Pending, begin, pending, request, waiting};
pub use person::{Identifier, Person, find};
pub use suppressions::{Suppressed, Suppression, are_erased, keep_key, key, lift, list, suppress, suppressed};

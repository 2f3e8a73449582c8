//! Records, their identities, their links and their conflicts. When any of them changes is decided by the callers.

pub mod conflicts;
pub mod guard;
pub mod identities;
pub mod joining;
pub mod links;
pub mod listing;
pub mod store;

//! Records, their identities, their links, their conflicts and what people want them to hold. When any of them changes is decided by the callers.

pub mod conflicts;
pub mod edits;
pub mod guard;
pub mod identities;
pub mod joining;
pub mod links;
pub mod listing;
pub mod store;

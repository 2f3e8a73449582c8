//! What was accepted and what was done by hand: what has to be found in the end.

use std::collections::BTreeMap;

/// A person that Coccinelle's backend told of.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    /// What alone tells who it is: an address or, where there is none, a telephone number.
    pub(super) identifier: String,
    /// Whether that is a number, so that nothing of this person is unique in a CRM that has no room for our key.
    pub(super) is_caller: bool,
    /// As the last accepted event says.
    pub(super) city: String,
    /// As it was last changed by hand in the CRM.
    pub(super) job_title: Option<String>,
}

/// Everything that was answered with success.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    /// Events that the gateway answered for.
    pub(super) accepted: u64,
    /// By the subject of their events.
    pub(super) people: BTreeMap<String, Person>,
    /// The titles of the appointments, each of which there is one.
    pub(super) appointments: Vec<String>,
    /// Changes by hand.
    pub(super) by_hand: u64,
    /// Runs that the gateway answered for.
    pub(super) runs: Vec<String>,
    /// Deliveries that the ingest answered for, beside the platform's own.
    pub(super) hooks: Vec<String>,
}

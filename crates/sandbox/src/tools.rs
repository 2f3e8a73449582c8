//! What every stand-in works with: the journal, the list of requests, the sender of webhooks.

use crate::{journal::Journal, requests::Requests, sender::Sender};

/// Shared by all stand-ins.
#[derive(Debug)]
pub(crate) struct Tools {
    pub(crate) journal: Journal,
    pub(crate) requests: Requests,
    pub(crate) sender: Sender,
}

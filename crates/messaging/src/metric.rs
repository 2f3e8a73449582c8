//! The names of this crate's metrics, and nothing else.

/// Counter by `queue` and `outcome` (`confirmed`, `refused`, `returned`, `lost`): publishes.
pub(crate) const PUBLISHED: &str = "messaging_published_total";
/// Counter by `queue` and `why` (`returned`: there was no queue, so it was declared anew; `refused`: the queue did not take it):
/// messages that were published again.
pub(crate) const AGAIN: &str = "messaging_published_again_total";
/// Histogram in seconds: from the publish to its confirm.
pub(crate) const CONFIRM_SECONDS: &str = "messaging_confirm_seconds";
/// Gauge: publishes that wait for their confirm.
pub(crate) const UNCONFIRMED: &str = "messaging_unconfirmed";
/// Counter by `queue` and `outcome` (`acked`, `retried`, `parked`, `dead`, `released`): deliveries.
pub(crate) const DELIVERIES: &str = "messaging_deliveries_total";
/// Gauge by `queue`: deliveries that are being handled.
pub(crate) const IN_HANDLING: &str = "messaging_in_handling";
/// Histogram in seconds by `queue`: how old a message is when a service takes it for the first time.
pub(crate) const AGE_SECONDS: &str = "messaging_age_seconds";
/// Gauge: 1 while connected, else 0.
pub(crate) const CONNECTED: &str = "messaging_connected";

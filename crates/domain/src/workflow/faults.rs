//! The codes of failures that lie with a workflow, or with n8n. They say nothing of the platform that was to be written to.

/// n8n does not answer.
pub const DOWN: &str = "n8n_down";

/// The operator has set no n8n.
pub const NOT_CONFIGURED: &str = "n8n_not_configured";

/// n8n has no such workflow, or it is not published.
pub const INACTIVE: &str = "workflow_inactive";

/// The workflow does not believe our signature.
pub const UNSIGNED: &str = "signature_refused";

/// The address of a tenant's own workflow leads to no public host.
pub const NOT_PUBLIC: &str = "address_not_public";

/// n8n takes nothing for the moment.
pub const BUSY: &str = "workflow_busy";

/// The workflow does not take this write.
pub const REFUSED: &str = "workflow_refused";

/// The workflow reported that it failed, by whatever fault.
pub const FAILED: &str = "workflow_failed";

/// The workflow has not reported in time.
pub const MISSING: &str = "callback_missing";

/// The workflow reported a success that the platform does not show.
pub const UNCONFIRMED: &str = "write_not_confirmed";

/// All of them.
pub const ALL: [&str; 10] =
    [DOWN, NOT_CONFIGURED, INACTIVE, UNSIGNED, NOT_PUBLIC, BUSY, REFUSED, FAILED, MISSING, UNCONFIRMED];

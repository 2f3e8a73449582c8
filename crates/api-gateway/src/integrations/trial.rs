//! What a test of the connection has shown, as the tenant is told. The test itself is `trying`'s.

use connectors::connector::Identified;
use connectors::error::ConnectorError;
use domain::fault::FaultKind;
use domain::kind::RecordKind;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What a test of the connection has shown.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Trial {
    /// Whether the platform let us in, to the account that was connected.
    pub(crate) ok: bool,
    /// How long that took, in milliseconds.
    pub(crate) duration_ms: u64,
    /// Whose account it is, where it went well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<Tested>,
    /// What is wrong, where it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<TrialError>,
    /// The kinds that have no field for Coccinelle's id there: it is the last line of their text, where they have one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) unkeyed: Vec<RecordKind>,
}

/// The account that answered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tested {
    /// The platform's id of it.
    #[schema(example = "4242")]
    pub(crate) id: String,
    /// Its name for people.
    pub(crate) name: String,
    /// What else the platform says of it.
    details: Value,
}

/// Why the platform did not let us in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TrialError {
    /// The class of the failure.
    pub(crate) class: FaultKind,
    /// A stable code.
    #[schema(example = "EXPIRED_AUTHENTICATION")]
    pub(crate) code: String,
    /// What is wrong, in a sentence.
    pub(crate) message: String,
    /// The platform's HTTP status, where it answered.
    status: Option<u16>,
}

impl Trial {
    pub(super) fn of(outcome: Result<Identified, ConnectorError>, duration_ms: u64, unkeyed: Vec<RecordKind>) -> Self {
        match outcome {
            Ok(Identified { account_id: id, name, details }) => {
                Self { ok: true, duration_ms, account: Some(Tested { id, name, details }), error: None, unkeyed }
            }
            Err(ConnectorError { kind: class, code, message, status, .. }) => {
                let error = TrialError { class, code, message, status };
                Self { ok: false, duration_ms, account: None, error: Some(error), unkeyed }
            }
        }
    }
}

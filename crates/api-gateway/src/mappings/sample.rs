//! The real record that a mapping is shown on, and what the platform holds of it.

use connectors::error::ConnectorError;
use domain::field::RemoteFields;
use domain::id::RecordId;
use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::record::Fields;
use persistence::Transaction;
use persistence::records::links::{self, Named, Standing};
use persistence::records::store;
use runtime::http::Problem;

use super::descriptions::unopened;
use crate::integrations::{Patience, platform_of};
use crate::refusal::Refusal;
use crate::state::Gateway;

/// The longest id of an object, in characters.
const ID_LIMIT: usize = 200;

/// What the mapping is shown on.
#[derive(Debug, Default)]
pub(super) struct Sample {
    pub(super) record_id: Option<RecordId>,
    pub(super) fields: Fields,
    pub(super) external_id: Option<String>,
    /// What the platform holds, as far as is known.
    pub(super) holds: RemoteFields,
}

/// By what the sample is found, as the request says it.
pub(super) fn named(record: Option<RecordId>, object: Option<String>) -> Result<Option<Named>, Refusal> {
    match (record, object) {
        (Some(_), Some(_)) => Err(Refusal::at("external_id", "must be left out where `record_id` is given")),
        (Some(record), None) => Ok(Some(Named::Record(record))),
        (None, Some(object)) if (1..=ID_LIMIT).contains(&object.chars().count()) => Ok(Some(Named::Object(object))),
        (None, Some(_)) => Err(Refusal::at("external_id", "must be 1 to 200 characters")),
        (None, None) => Ok(None),
    }
}

impl Sample {
    /// The record that was asked for, with what is remembered of its counterpart.
    pub(super) async fn of(
        tx: &mut Transaction,
        integration: &Integration,
        kind: RecordKind,
        named: Option<Named>,
    ) -> Result<Self, Problem> {
        let (tenant, id) = (integration.tenant_id, integration.id);
        let Some(named) = named else { return Ok(Self::default()) };
        let standing = links::standing(tx, (tenant, id), kind, &named).await?;
        let record_id = match &named {
            Named::Record(record) => Some(*record),
            Named::Object(_) => standing.as_ref().and_then(|standing| standing.record),
        };
        let record = match record_id {
            Some(record) => store::get(tx, tenant, record).await?.filter(|record| record.kind == kind),
            None => None,
        };
        if let (Named::Record(_), None) = (&named, &record) {
            return Err(Refusal::at("record_id", format!("must be a record of the kind {kind}")).into());
        }
        let (external_id, holds) = match (standing, named) {
            (Some(Standing { external_id, seen, .. }), _) => (external_id, seen),
            (None, Named::Object(object)) => (Some(object), RemoteFields::new()),
            (None, Named::Record(_)) => (None, RemoteFields::new()),
        };
        let fields = record.as_ref().map(|record| record.fields.clone()).unwrap_or_default();
        Ok(Self { record_id: record.map(|record| record.id), fields, external_id, holds })
    }

    /// Asks the platform what it holds of the sample; whether it said. What it does not say now is left as it last showed it.
    pub(super) async fn read(
        &mut self,
        (gateway, patience): (&Gateway, Patience),
        integration: &Integration,
        kind: RecordKind,
        names: &[String],
    ) -> Result<bool, Problem> {
        let connector = platform_of(&integration.platform)?.connector();
        let (Some(reader), Some(object)) = (connector.reader(), self.external_id.clone()) else { return Ok(false) };
        let account = match patience.open(gateway, integration).await {
            Ok(account) => account,
            // What it was when its account could be asked is still something to look at.
            Err(_closed) if self.record_id.is_some() => return Ok(false),
            Err(closed) => return Err(unopened(closed, connector.descriptor().name)),
        };
        let found = patience.wait(reader.read(&account, kind, std::slice::from_ref(&object), names)).await;
        match found.map(|mut found| found.pop().flatten()) {
            Ok(Some(shown)) => {
                self.holds = shown.fields;
                Ok(true)
            }
            Ok(None) if self.record_id.is_none() => {
                Err(Refusal::at("external_id", "names nothing on the platform").into())
            }
            Ok(None) => {
                // It is gone, and would be made anew.
                self.external_id = None;
                self.holds = RemoteFields::new();
                Ok(true)
            }
            Err(ConnectorError { message, .. }) => {
                tracing::info!(integration.id = %integration.id, message, "a preview shows what was last seen");
                Ok(false)
            }
        }
    }
}

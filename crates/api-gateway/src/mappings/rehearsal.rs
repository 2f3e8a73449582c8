//! What a replay would send, before anybody decides: by the mapping as it is or by another one, with values as they are or others.

use std::collections::BTreeMap;

use domain::field::{FieldName, FieldValue, RemoteFields};
use domain::id::{LinkId, RecordId};
use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::link::outbound_difference;
use domain::mapping::{FieldMapping, Mapping};
use domain::record::Fields;
use persistence::Scope;
use persistence::records::links::{self, FailedState, Selection};
use runtime::http::Problem;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{draft, given, held, present};
use crate::integrations::Patience;
use crate::refusal::Refusal;
use crate::state::Gateway;

/// Failures that are looked at.
const LOOKED_AT: usize = 5_000;

/// Failures that are shown one by one.
const SHOWN: usize = 50;

/// Failures read at once.
const STEP: u32 = 500;

/// A mapping that somebody considers for the records that failed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReplayMapping)]
pub(crate) struct Draft {
    /// The kind.
    kind: RecordKind,
    /// All fields of the mapping that is considered.
    fields: Vec<FieldMapping>,
}

/// What the records that failed are tried with, in place of what is there.
#[derive(Debug, Default)]
pub(crate) struct With {
    pub(crate) mapping: Option<Draft>,
    pub(crate) values: BTreeMap<FieldName, Value>,
}

/// What a replay would send.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = ReplayRehearsal)]
pub(crate) struct Rehearsal {
    /// Failures that were looked at.
    pub(crate) looked_at: usize,
    /// Whether there are more, which were not looked at.
    pub(crate) is_partial: bool,
    /// Records for which something else would be sent than now.
    pub(crate) otherwise: usize,
    /// Records for which the same would be sent as now.
    pub(crate) same: usize,
    /// Records for which nothing would be left to send.
    pub(crate) nothing: usize,
    /// Records that would not be sent at all, whatever they hold.
    pub(crate) stopped: usize,
    /// The first 50 of them, one by one.
    #[schema(max_items = 50)]
    pub(crate) records: Vec<Line>,
}

/// What would become of one record that failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReplayRehearsalLine)]
pub(crate) struct Line {
    /// Its link.
    link_id: LinkId,
    /// The record; `null` where the remote object was not tied to one yet.
    pub(crate) record_id: Option<RecordId>,
    /// What the record is.
    pub(crate) kind: RecordKind,
    /// What would become of it.
    pub(crate) verdict: Verdict,
    /// What would be sent as things are.
    #[schema(value_type = BTreeMap<String, FieldValue>)]
    pub(crate) before: RemoteFields,
    /// What would be sent with what is considered.
    #[schema(value_type = BTreeMap<String, FieldValue>)]
    pub(crate) after: RemoteFields,
    /// What still stops it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
}

/// What would become of a record that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReplayVerdict)]
pub(crate) enum Verdict {
    /// Something else would be sent than now.
    Otherwise,
    /// The same would be sent as now: it passes where the platform has thought better of it.
    Same,
    /// Nothing is left to send.
    Nothing,
    /// It would not be sent.
    Stopped,
}

/// The mappings of each kind, as they are and as they would be.
type Mappings = BTreeMap<RecordKind, (Mapping, Mapping)>;

/// Looks at what failed and would be tried again. Writes nothing, and asks the platform nothing but for its fields.
pub(crate) async fn rehearsed(
    gateway: &Gateway,
    integration: &Integration,
    selection: &Selection,
    with: With,
) -> Result<Rehearsal, Problem> {
    let mappings = mappings(gateway, integration, with.mapping).await?;
    let whose = (integration.tenant_id, integration.id);
    let (mut rehearsal, mut after) = (Rehearsal::default(), None);
    let mut tx = gateway.database.begin(Scope::Tenant(integration.tenant_id)).await?;
    loop {
        let page = links::failed_states(&mut tx, whose, selection, (after, STEP)).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.link);
        for state in page {
            let line = Line::of(integration, &mappings, &with.values, state)?;
            rehearsal.add(line);
        }
        if rehearsal.looked_at >= LOOKED_AT {
            rehearsal.is_partial = true;
            break;
        }
    }
    tx.commit().await?;
    Ok(rehearsal)
}

async fn mappings(gateway: &Gateway, integration: &Integration, draft: Option<Draft>) -> Result<Mappings, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(integration.tenant_id)).await?;
    let mut mappings = Mappings::new();
    for kind in RecordKind::ALL {
        let current = present(&mut tx, integration, kind).await?;
        mappings.insert(kind, (current.clone(), current));
    }
    tx.commit().await?;
    if let Some(Draft { kind, fields }) = draft {
        held(integration, kind)?;
        if let Some((current, considered)) = mappings.get_mut(&kind) {
            draft::check((gateway, Patience::begins(gateway)), integration, kind, (&current.fields, &fields)).await?;
            considered.fields = fields;
        }
    }
    Ok(mappings)
}

impl Rehearsal {
    fn add(&mut self, line: Line) {
        self.looked_at += 1;
        match line.verdict {
            Verdict::Otherwise => self.otherwise += 1,
            Verdict::Same => self.same += 1,
            Verdict::Nothing => self.nothing += 1,
            Verdict::Stopped => self.stopped += 1,
        }
        if self.records.len() < SHOWN {
            self.records.push(line);
        }
    }
}

impl Line {
    fn of(
        integration: &Integration,
        mappings: &Mappings,
        values: &BTreeMap<FieldName, Value>,
        state: FailedState,
    ) -> Result<Self, Refusal> {
        let (link_id, kind, direction) = (state.link, state.kind, integration.direction_of(state.kind));
        let stopped = |record_id, reason| Self {
            link_id,
            record_id,
            kind,
            verdict: Verdict::Stopped,
            before: RemoteFields::new(),
            after: RemoteFields::new(),
            reason: Some(reason),
        };
        let Some((record, fields)) = &state.record else {
            return Ok(stopped(
                None,
                "the platform's object is not tied to a record: it is read again, and nothing is sent",
            ));
        };
        if fields.is_deleted() {
            return Ok(stopped(Some(*record), "the record is deleted: at most its deletion is carried on"));
        }
        if !direction.writes() {
            return Ok(stopped(Some(*record), "the direction of this kind does not allow it: nothing is sent"));
        }
        let edited = given::edited(integration, fields, given::valued(kind, values)?);
        let fails = |draft: &Mapping| draft.within(direction).failing(&edited).is_some();
        if mappings.get(&kind).is_some_and(|(_, draft)| fails(draft)) {
            return Ok(stopped(Some(*record), "a template of the mapping fails on this record: nothing is sent"));
        }
        let payloads = mappings.get(&kind).map(|(current, draft)| {
            (payload(&current.within(direction), fields, &state), payload(&draft.within(direction), &edited, &state))
        });
        let (before, after) = payloads.unwrap_or_default();
        let (verdict, reason) = match (before == after, after.is_empty()) {
            (_, true) => (Verdict::Nothing, None),
            (true, false) => (Verdict::Same, Some("the same is sent as what failed")),
            (false, false) => (Verdict::Otherwise, None),
        };
        Ok(Self { link_id, record_id: Some(*record), kind, verdict, before, after, reason })
    }
}

/// What would be written for a record.
fn payload(mapping: &Mapping, fields: &Fields, state: &FailedState) -> RemoteFields {
    match state.external_id {
        Some(_) => outbound_difference(&mapping.forward(fields), &state.sent),
        None => outbound_difference(&mapping.forward_new(fields), &RemoteFields::new()),
    }
}

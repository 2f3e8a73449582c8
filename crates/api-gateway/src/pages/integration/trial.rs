//! Trying a correction on what failed, before anything is changed: another value for one of our fields, which may be applied then, or
//! another field of ours for one of the platform's. What would be sent is the API's to say.

use std::collections::BTreeSet;

use domain::field::FieldName;
use domain::id::IntegrationId;
use domain::integration::Direction;
use domain::kind::RecordKind;
use domain::mapping::FieldMapping;
use persistence::Transaction;
use runtime::http::Problem;
use serde_json::{Value, json};

use super::super::fields::Fields;
use super::super::frame::{Frame, Visit};
use super::super::{form::Form, text::Message, text::failures as m};
use super::mapping::{ours, shown};
use super::mapping_rows::typed;
use crate::body;
use crate::integrations::Replay;
use crate::mappings::{self, Line, Rehearsal, Verdict};
use crate::refusal::Refusal;

/// The form of a trial, and what came of it.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) form: Form,
    pub(super) kind: RecordKind,
    /// Our fields, and what they are called.
    pub(super) ours: Vec<(&'static str, String)>,
    mapping: Vec<FieldMapping>,
    pub(super) rehearsal: Option<Rehearsal>,
}

impl Trial {
    /// A form for records of this kind.
    pub(super) async fn of(
        tx: &mut Transaction,
        visit: &Visit,
        frame: &Frame,
        (id, kind): (IntegrationId, RecordKind),
    ) -> Result<Self, Problem> {
        let (_, mapping) = mappings::mapped(tx, visit.tenant_id, (id, kind)).await?;
        Ok(Self { form: Form::default(), kind, ours: ours(kind, frame), mapping: mapping.fields, rehearsal: None })
    }

    /// The platform's fields that are written.
    pub(super) fn theirs(&self) -> Vec<&str> {
        self.mapping.iter().filter(|field| field.direction.writes()).map(|field| field.remote.as_str()).collect()
    }

    /// Whether this was chosen in a list.
    pub(super) fn is_chosen(&self, list: &str, name: &str) -> bool {
        self.form.value(list) == name
    }

    /// What was typed, as the API takes it.
    pub(super) fn wish(&self, fields: &Fields, fingerprint: &str, dry_run: bool) -> Result<Replay, Refusal> {
        let values = fields.given("field").map(|field| {
            let value = fields.given("value").map_or(Value::Null, |value| typed(self.kind, field, value));
            json!({ field: value })
        });
        let mapping = fields.given("remote").zip(fields.given("local")).map(|(remote, local)| {
            let mut draft = self.mapping.clone();
            // Only what goes out is tried: what comes in may be another line's already.
            for field in draft.iter_mut().filter(|field| field.remote == remote) {
                field.local = FieldName::new(local);
                field.direction = Direction::ToPlatform;
            }
            json!({ "kind": self.kind, "fields": draft })
        });
        let values = values.unwrap_or_else(|| json!({}));
        let wish = json!({ "fingerprint": fingerprint, "dry_run": dry_run, "values": values, "mapping": mapping });
        body::parse(wish.to_string().as_bytes())
    }
}

/// Whether what was tried is a value and nothing else, which can be applied as it is.
pub(super) fn gives(fields: &Fields) -> bool {
    fields.given("field").is_some() && fields.given("remote").zip(fields.given("local")).is_none()
}

/// What would be sent otherwise of a record: the platform's field, its value now, and then.
pub(super) fn differing(line: &Line) -> Vec<(&str, String, String)> {
    let names: BTreeSet<&String> = line.before.keys().chain(line.after.keys()).collect();
    let (before, after) = (|name: &String| line.before.get(name), |name: &String| line.after.get(name));
    let differs = names.into_iter().filter(|name| before(name) != after(name));
    differs.map(|name| (name.as_str(), shown(before(name)), shown(after(name)))).collect()
}

/// What becomes of a record.
pub(super) fn name_of(verdict: Verdict) -> Message {
    match verdict {
        Verdict::Otherwise => m::OTHERWISE,
        Verdict::Same => m::SAME,
        Verdict::Nothing => m::NOTHING_LEFT,
        Verdict::Stopped => m::STOPPED,
    }
}

/// What becomes of how many records.
pub(super) fn verdicts(tried: &Rehearsal) -> [(Message, usize); 4] {
    [
        (m::OTHERWISE, tried.otherwise),
        (m::SAME, tried.same),
        (m::NOTHING_LEFT, tried.nothing),
        (m::STOPPED, tried.stopped),
    ]
}

//! How a conflict is shown.

use std::collections::BTreeMap;

use domain::id::{ConflictId, RecordId};
use domain::kind::RecordKind;
use domain::record::Record;
use domain::time::Timestamp;
use persistence::records::conflicts::{Decision, Kept};
use serde::Serialize;
use utoipa::ToSchema;

use super::State;
use crate::records::view::{Field, Summary};

/// What systems disagree about.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Conflict)]
pub(crate) struct View {
    /// Its id.
    id: ConflictId,
    /// The record.
    record_id: RecordId,
    /// What it is.
    kind: RecordKind,
    /// Whether somebody has decided.
    state: State,
    /// What was decided.
    decision: Option<Decision>,
    /// Whether the records have followed.
    applied: bool,
    /// When it came up.
    created_at: Timestamp,
    #[serde(flatten)]
    about: About,
}

/// What it is about.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = ConflictSubject)]
enum About {
    Value(Value),
    // Far larger than the other.
    Identity(Box<Identity>),
}

/// The value of a field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ValueConflict)]
struct Value {
    /// `value`.
    #[serde(rename = "type")]
    sort: ValueSort,
    /// The field.
    field: String,
    /// What stood; `null` where nobody noted it.
    kept: Option<Field>,
    /// What lost.
    lost: Option<Field>,
}

/// The sort of conflict.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ValueConflictType)]
enum ValueSort {
    /// About a value.
    Value,
}

/// An identifier that belongs to two records now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IdentityConflict)]
struct Identity {
    /// `identity`.
    #[serde(rename = "type")]
    sort: IdentitySort,
    /// What kind of identifier: `email` or `phone`.
    scheme: String,
    /// The identifier.
    value: Option<String>,
    /// The record that claims it as well.
    record: Option<Summary>,
    /// The record that has it.
    other: Option<Summary>,
}

/// The sort of conflict.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IdentityConflictType)]
enum IdentitySort {
    /// About an identifier.
    Identity,
}

impl View {
    /// Shows a conflict; `records` holds those that it is between.
    pub(super) fn of(kept: Kept, records: &BTreeMap<RecordId, Record>) -> Self {
        let summary = |id: RecordId| records.get(&id).map(Summary::of);
        let about = match kept.holder {
            Some(holder) => About::Identity(Box::new(Identity {
                sort: IdentitySort::Identity,
                value: kept.lost.as_str().map(str::to_owned),
                record: summary(kept.record),
                other: summary(holder),
                scheme: kept.field,
            })),
            None => {
                let lost = serde_json::from_value(kept.lost).ok().map(|lost: domain::record::Stamped| lost.into());
                let (field, kept) = (kept.field, kept.kept.map(Field::from));
                About::Value(Value { sort: ValueSort::Value, field, kept, lost })
            }
        };
        Self {
            id: kept.id,
            record_id: kept.record,
            kind: kept.kind,
            state: if kept.decision.is_some() { State::Closed } else { State::Open },
            decision: kept.decision,
            applied: kept.is_applied,
            created_at: kept.created_at,
            about,
        }
    }
}

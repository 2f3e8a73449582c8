//! How a record is shown: each field with its time and origin, and where its counterparts are.

use std::collections::BTreeMap;

use domain::field::FieldValue;
use domain::id::{IntegrationId, LinkId, RecordId};
use domain::kind::RecordKind;
use domain::platform::PlatformSlug;
use domain::record::{Record, Stamped};
use domain::time::Timestamp;
use persistence::records::links::LinkView;
use persistence::records::listing::Listed;
use serde::Serialize;
use utoipa::ToSchema;

/// What every view of a record tells.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecordSummary)]
pub(crate) struct Summary {
    /// Its id.
    id: RecordId,
    /// What it is.
    kind: RecordKind,
    /// Counts the changes of its values.
    version: i64,
    /// Whether it was deleted.
    deleted: bool,
    /// Its values, by the names of Coccinelle's fields.
    fields: BTreeMap<String, Field>,
}

/// A value, since when it holds and where it came from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecordField)]
pub(crate) struct Field {
    /// The value; `null` was cleared.
    value: FieldValue,
    /// When it became so; 1970-01-01T00:00:00Z where nobody said.
    at: Timestamp,
    /// The integration that it came by; Coccinelle's backend has one too.
    origin: IntegrationId,
}

impl From<Stamped> for Field {
    fn from(stamped: Stamped) -> Self {
        Self { value: stamped.value, at: stamped.stamp.at, origin: stamped.stamp.origin }
    }
}

/// A record in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedRecord)]
pub(crate) struct Listing {
    #[serde(flatten)]
    summary: Summary,
    /// When a value of it last changed.
    updated_at: Timestamp,
}

/// A record and its counterparts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Record)]
pub(crate) struct Shown {
    #[serde(flatten)]
    summary: Summary,
    /// What stands for it on the platforms.
    links: Vec<Counterpart>,
    /// The platforms' ids of it, by platform, once they are known. Where one platform is connected twice, `links` has both.
    #[schema(example = json!({"hubspot": "12345"}))]
    external_ids: BTreeMap<String, String>,
    /// Where the values that it lost are.
    #[schema(example = "/api/v1/records/rec_01jd3v8k2qf5y9m4x7w6z1a0bc/history")]
    history: String,
}

/// What stands for a record on one platform.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Link)]
struct Counterpart {
    /// The link between the two.
    id: LinkId,
    /// By which integration.
    integration_id: IntegrationId,
    /// On which platform.
    platform: PlatformSlug,
    /// The platform's id of it, once it is known.
    #[schema(example = "12345")]
    external_id: Option<String>,
    /// How far it is in step.
    state: State,
    /// What the last failure says.
    error: Option<String>,
    /// When that was last known.
    updated_at: Timestamp,
}

/// How far a counterpart is in step.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LinkState)]
enum State {
    /// It holds what the record holds.
    InStep,
    /// Something is on its way.
    Pending,
    /// A failure blocks it.
    Failed,
}

impl Summary {
    pub(crate) fn of(record: &Record) -> Self {
        let shown =
            |(name, stamped): (&domain::field::FieldName, &Stamped)| (name.to_string(), Field::from(stamped.clone()));
        Self {
            id: record.id,
            kind: record.kind,
            version: record.version,
            deleted: record.fields.is_deleted(),
            fields: record.fields.iter().map(shown).collect(),
        }
    }
}

impl From<Listed> for Listing {
    fn from(listed: Listed) -> Self {
        Self { summary: Summary::of(&listed.record), updated_at: listed.updated_at }
    }
}

impl Shown {
    /// Shows a record with these counterparts.
    pub(super) fn of(record: &Record, links: Vec<LinkView>) -> Self {
        let known = links.iter().rev().filter_map(|link| Some((link.platform.to_string(), link.external_id.clone()?)));
        Self {
            summary: Summary::of(record),
            external_ids: known.collect(),
            history: format!("/api/v1/records/{}/history", record.id),
            links: links.into_iter().map(Counterpart::from).collect(),
        }
    }
}

impl From<LinkView> for Counterpart {
    fn from(link: LinkView) -> Self {
        let state = if link.is_blocked {
            State::Failed
        } else if link.is_owed {
            State::Pending
        } else {
            State::InStep
        };
        Self {
            id: link.id,
            integration_id: link.integration,
            platform: link.platform,
            external_id: link.external_id,
            state,
            error: link.error_message,
            updated_at: link.updated_at,
        }
    }
}

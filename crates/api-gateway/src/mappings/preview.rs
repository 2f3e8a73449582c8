//! What a mapping would do, before anybody decides: one real record both ways, and how many objects it would change.

use actix_web::{HttpResponse, post, web};
use domain::field::{FieldName, FieldValue};
use domain::id::{IntegrationId, RecordId, TenantId};
use domain::integration::Direction;
use domain::kind::RecordKind;
use domain::mapping::{FieldMapping, Mapping, Transform};
use domain::schema;
use persistence::Scope;
use runtime::http::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::counting::count;
use super::sample::{Sample, named};
use super::{draft, held, present};
use crate::auth::Admin;
use crate::body::{Id, Json};
use crate::integrations::{Patience, find};
use crate::state::Gateway;

/// A mapping that somebody considers, and what to show it on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MappingPreviewRequest)]
pub(crate) struct Wish {
    /// The kind.
    kind: RecordKind,
    /// All fields of the mapping that is considered.
    fields: Vec<FieldMapping>,
    /// The record to show it on.
    record_id: Option<RecordId>,
    /// Instead of a record: the platform's id of an object.
    #[schema(example = "12345")]
    external_id: Option<String>,
}

/// What a mapping would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MappingPreview)]
pub(crate) struct Preview {
    /// The record that it is shown on.
    record_id: Option<RecordId>,
    /// Its counterpart on the platform, where it has one.
    external_id: Option<String>,
    /// Whether the platform was asked just now what it holds; otherwise it is what it last showed.
    pub(crate) read_live: bool,
    /// Field by field.
    pub(crate) fields: Vec<Line>,
    /// How many objects that are there would be written to because of the change.
    pub(crate) would_change: usize,
    /// How many objects were looked at to know.
    pub(crate) looked_at: usize,
    /// Whether there are more objects than were looked at, so that more may change.
    pub(crate) is_lower_bound: bool,
}

/// What a mapping would do to one field. A value that is absent is not known or does not travel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MappingPreviewField)]
pub(crate) struct Line {
    /// Ours.
    local: FieldName,
    /// Theirs.
    pub(crate) remote: String,
    /// Which way it travels, where the kind's own direction allows it.
    direction: Option<Direction>,
    /// What our record holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ours: Option<FieldValue>,
    /// What the platform would hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) would_hold: Option<FieldValue>,
    /// What the platform holds now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) holds: Option<FieldValue>,
    /// What that means to us, where it is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) comes_back: Option<FieldValue>,
    /// Why it is not sent, or not taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<&'static str>,
}

/// Shows what a mapping would do to a real record, both ways, and how many objects it would change. Writes nothing.
#[utoipa::path(tag = "mappings", security(("bearer" = ["admin"])), request_body = Wish, params(("id" = IntegrationId, Path, description = "Which integration.")),
    responses(
        (status = 200, body = Preview, description = "What it would do."),
        (status = 409, description = "`not_connected`: what is only known there cannot be asked for."),
    ))]
#[post("/integrations/{id}/mappings/preview")]
pub(crate) async fn preview_mapping(
    caller: Admin,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    wish: Json<Wish>,
) -> Result<HttpResponse, Problem> {
    let mut wish = wish.0;
    let on = (wish.record_id.take(), wish.external_id.take());
    Ok(HttpResponse::Ok().json(previewed(&gateway, (caller.tenant_id, id.0), wish, on).await?))
}

/// What a mapping would do to a record, found by our id or by the platform's, and to how many objects.
pub(crate) async fn previewed(
    gateway: &Gateway,
    (tenant, id): (TenantId, IntegrationId),
    Wish { kind, fields, .. }: Wish,
    (record_id, external_id): (Option<RecordId>, Option<String>),
) -> Result<Preview, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    let integration = find(&mut tx, tenant, id).await?;
    held(&integration, kind)?;
    let named = named(record_id, external_id)?;
    let current = present(&mut tx, &integration, kind).await?;
    tx.commit().await?;
    let patience = Patience::begins(gateway);
    draft::check((gateway, patience), &integration, kind, (&current.fields, &fields)).await?;

    let direction = integration.direction_of(kind);
    let draft = Mapping { fields, ..current };
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    let mut sample = Sample::of(&mut tx, &integration, kind, named).await?;
    let counted = count(&mut tx, &integration, kind, (&current.within(direction), &draft.within(direction))).await?;
    tx.commit().await?;
    let read_live = sample.read((gateway, patience), &integration, kind, &draft.remote_names()).await?;
    let within = draft.within(direction);
    let would_hold =
        if sample.external_id.is_some() { within.forward(&sample.fields) } else { within.forward_new(&sample.fields) };
    let travels = (kind, direction);
    let lines =
        draft.fields.iter().map(|field| Line::of((&draft, field), travels, &sample, would_hold.get(&field.remote)));
    Ok(Preview {
        record_id: sample.record_id,
        external_id: sample.external_id.clone(),
        read_live,
        fields: lines.collect(),
        would_change: counted.would_change,
        looked_at: counted.looked_at,
        is_lower_bound: counted.is_lower_bound(),
    })
}

impl Line {
    fn of(
        (mapping, field): (&Mapping, &FieldMapping),
        (kind, direction): (RecordKind, Direction),
        sample: &Sample,
        would_hold: Option<&FieldValue>,
    ) -> Self {
        let direction = field.direction.within(direction);
        let holds = sample.holds.get(&field.remote);
        let reads = direction.is_some_and(Direction::reads);
        let shown = holds.filter(|_| reads).and_then(|shown| field.inverse(shown, mapping.region));
        let spec = schema::find(kind, field.local.as_str());
        let comes_back = shown.clone().filter(|ours| spec.is_none_or(|spec| spec.may_hold(ours)));
        let note = match direction {
            None => Some("does not travel: the direction of this kind does not allow it"),
            Some(Direction::ToPlatform) => Some("is only sent: what the platform holds is not taken back"),
            Some(_) if shown.is_some() && comes_back.is_none() => {
                Some("is not taken: what the platform holds is nothing that our field may hold")
            }
            Some(_) if holds.is_some() && comes_back.is_none() => Some(not_taken(&field.transform)),
            Some(Direction::FromPlatform) => Some("is only taken: nothing is sent"),
            Some(Direction::Bidirectional) => None,
        };
        Self {
            local: field.local.clone(),
            remote: field.remote.clone(),
            direction,
            ours: sample.fields.value(field.local.as_str()).cloned(),
            would_hold: would_hold.cloned(),
            holds: holds.cloned(),
            comes_back,
            note,
        }
    }
}

/// Why what the platform holds is not taken.
fn not_taken(transform: &Transform) -> &'static str {
    match transform {
        Transform::ValueMap { .. } => "is not taken back: no word of ours stands for what the platform holds",
        Transform::NumberText => "is not taken back: what the platform holds is no number as we would write it",
        Transform::SecondsToMillis => "is not taken back: what the platform holds is no whole number of seconds",
        Transform::EpochMillis => "is not taken back: what the platform holds is no moment as we would write it",
        Transform::Date { .. } => "is not taken back: what the platform holds is no moment in this format",
        Transform::Split { .. } => "is not taken: what the platform holds has not both parts",
        Transform::None
        | Transform::E164
        | Transform::Text { .. }
        | Transform::Constant { .. }
        | Transform::Join { .. }
        | Transform::Template { .. } => "is not taken back: it would not go out as the same value",
    }
}

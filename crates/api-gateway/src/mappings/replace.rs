//! Replacing a mapping, and setting it back: over what was seen, told, and looked at where it matters.

use actix_web::{HttpResponse, post, put, web};
use domain::audit::{Action, FieldChange};
use domain::id::IntegrationId;
use domain::integration::{Frequency, Integration};
use domain::kind::RecordKind;
use domain::mapping::{FieldMapping, Mapping};
use persistence::records::links;
use persistence::{app_subscriptions, mappings};
use runtime::http::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{draft, held, mapped, present, show::View};
use crate::body::{Id, Ids, Json};
use crate::change::Change;
use crate::integrations::{Patience, announce, find, platform_of};
use crate::{state::Gateway, version::IfMatch, version::IfMatchGiven};

/// Links that learn of a change at once; the reconciler tells the others.
const AT_ONCE: i64 = 1_000;

/// A mapping that replaces the present one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMapping)]
pub(crate) struct Wish {
    /// All of its fields, in the order in which they are shown.
    fields: Vec<FieldMapping>,
}

/// The same, with the kind beside it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMappingOfKind)]
pub(crate) struct WishOfKind {
    /// The kind.
    kind: RecordKind,
    /// All of its fields, in the order in which they are shown.
    fields: Vec<FieldMapping>,
}

/// Which mapping is set back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MappingReset)]
pub(crate) struct Reset {
    /// The kind.
    kind: RecordKind,
}

/// Replaces the mapping of a kind. What is there already is brought into step by it, at once.
#[utoipa::path(tag = "mappings", security(("bearer" = ["admin"])), request_body = Wish,
    params(
        ("id" = IntegrationId, Path, description = "Which integration."),
        ("kind" = RecordKind, Path, description = "Which kind."),
        ("If-Match" = String, Header, description = "The `ETag` of the mapping that is to be replaced.", example = "\"7\""),
    ),
    responses(
        (status = 200, body = View, description = "The mapping as it is now.",
            headers(("ETag" = String, description = "Its version, for `If-Match`."))),
        (status = 412, description = "`version_mismatch`: it was changed since; read it again."),
        (status = 428, description = "`precondition_required`: `If-Match` is missing."),
    ))]
#[put("/integrations/{id}/mappings/{kind}")]
pub(crate) async fn replace_mapping(
    change: Change,
    of: Ids<IntegrationId, RecordKind>,
    seen: IfMatch,
    gateway: web::Data<Gateway>,
    wish: Json<Wish>,
) -> Result<HttpResponse, Problem> {
    Ok(replaced(&gateway, &change, (of.0, of.1), (seen.0, wish.0)).await?.tagged())
}

/// Replaces the mapping of the kind that the body names; otherwise as under its own path.
#[utoipa::path(tag = "mappings", security(("bearer" = ["admin"])), request_body = WishOfKind,
    params(
        ("id" = IntegrationId, Path, description = "Which integration."),
        ("If-Match" = String, Header, description = "The `ETag` of the kind's mapping that is to be replaced.", example = "\"7\""),
    ),
    responses(
        (status = 200, body = View, description = "The mapping as it is now.",
            headers(("ETag" = String, description = "Its version, for `If-Match`."))),
        (status = 412, description = "`version_mismatch`: it was changed since; read it again."),
        (status = 428, description = "`precondition_required`: `If-Match` is missing."),
    ))]
#[put("/integrations/{id}/mappings")]
pub(crate) async fn replace_mapping_of_kind(
    change: Change,
    id: Id<IntegrationId>,
    seen: IfMatch,
    gateway: web::Data<Gateway>,
    wish: Json<WishOfKind>,
) -> Result<HttpResponse, Problem> {
    let WishOfKind { kind, fields } = wish.0;
    Ok(replaced(&gateway, &change, (id.0, kind), (seen.0, Wish { fields })).await?.tagged())
}

/// Replaces a mapping that is still of the version that was seen.
pub(crate) async fn replaced(
    gateway: &Gateway,
    change: &Change,
    (id, kind): (IntegrationId, RecordKind),
    (seen, wish): (i64, Wish),
) -> Result<View, Problem> {
    let mut tx = change.begin(gateway).await?;
    let (integration, before) = mapped(&mut tx, change.tenant_id, (id, kind)).await?;
    tx.leave_unchanged().await?;
    if before.version != seen {
        return Err(Problem::version_mismatch());
    }
    draft::check((gateway, Patience::begins(gateway)), &integration, kind, (&before.fields, &wish.fields)).await?;
    let after = save(gateway, change, (&integration, kind), (&before, Some(seen)), wish.fields).await?;
    View::of(&integration, kind, after)
}

/// Sets the mapping of a kind back to the one that a new integration begins with.
#[utoipa::path(tag = "mappings", security(("bearer" = ["admin"])), request_body = Reset,
    params(
        ("id" = IntegrationId, Path, description = "Which integration."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the mapping that was seen; any without it.", example = "\"7\""),
    ),
    responses(
        (status = 200, body = View, description = "The mapping as it is now.",
            headers(("ETag" = String, description = "Its version, for `If-Match`."))),
        (status = 412, description = "`version_mismatch`: it was changed since; read it again."),
    ))]
#[post("/integrations/{id}/mappings/reset")]
pub(crate) async fn reset_mapping(
    change: Change,
    id: Id<IntegrationId>,
    seen: IfMatchGiven,
    gateway: web::Data<Gateway>,
    reset: Json<Reset>,
) -> Result<HttpResponse, Problem> {
    Ok(was_reset(&gateway, &change, (id.0, reset.0.kind), seen.0).await?.tagged())
}

/// Sets a mapping back, where it is still of the version that was seen, if one was.
async fn was_reset(
    gateway: &Gateway,
    change: &Change,
    (id, kind): (IntegrationId, RecordKind),
    seen: Option<i64>,
) -> Result<View, Problem> {
    let mut tx = change.begin(gateway).await?;
    let integration = find(&mut tx, change.tenant_id, id).await?;
    held(&integration, kind)?;
    let before = present(&mut tx, &integration, kind).await?;
    tx.leave_unchanged().await?;
    let defaults = platform_of(&integration.platform)?.connector().default_mapping(kind).fields;
    let after = save(gateway, change, (&integration, kind), (&before, seen), defaults).await?;
    View::of(&integration, kind, after)
}

/// Saves a mapping where nobody was faster, and has what it concerns looked at.
async fn save(
    gateway: &Gateway,
    change: &Change,
    (integration, kind): (&Integration, RecordKind),
    (before, seen): (&Mapping, Option<i64>),
    fields: Vec<FieldMapping>,
) -> Result<Mapping, Problem> {
    let whose = (change.tenant_id, integration.id);
    let mut tx = change.begin(gateway).await?;
    // Where our app is told of changes field by field, it may have to be told of others. First, as whoever disconnects does it, or
    // the two could wait for each other.
    app_subscriptions::ask(&mut tx, &integration.platform).await?;
    let version = mappings::replace_seen(&mut tx, whose, kind, seen, &fields).await?;
    let version = version.ok_or_else(Problem::version_mismatch)?;
    let mut owed = Vec::new();
    // What is only read as well: a field that it maps since has to be looked at.
    if integration.enabled {
        owed = links::raise_mapping(&mut tx, whose, (kind, version), AT_ONCE).await?;
        // Where the tenant wants a schedule, what is owed waits for it.
        owed.retain(|_| integration.frequency == Frequency::Realtime);
    }
    let differs = |one: &[FieldMapping], other: &[FieldMapping]| {
        let names = one.iter().filter(|field| !other.contains(field)).map(|field| format!("{kind}.{}", field.remote));
        names.collect::<Vec<String>>()
    };
    let mut names = [differs(&before.fields, &fields), differs(&fields, &before.fields)].concat();
    names.sort_unstable();
    names.dedup();
    let told = names.iter().map(|name| FieldChange::named(name));
    tx.commit(Action::MappingUpdated, Some(integration.id.to_string()), told).await?;
    announce(gateway, owed, change.trace).await;
    Ok(Mapping { version, fields, ..*before })
}

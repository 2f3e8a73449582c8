//! The fields of both sides, as an editor of mappings shows them: ours, and those that the account really has.

use actix_web::{HttpResponse, get, web};
use connectors::discovery::{RemoteField, RemoteFieldType, RemoteOption};
use domain::id::{IntegrationId, TenantId};
use domain::kind::RecordKind;
use domain::schema::{self, FieldSpec, FieldType};
use domain::time::Timestamp;
use persistence::Scope;
use runtime::http::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::descriptions::Described;
use crate::auth::Viewer;
use crate::body::{Id, QueryParams};
use crate::integrations::{Patience, find, kinds_of};
use crate::page::List;
use crate::refusal::Refusal;
use crate::state::Gateway;

/// Which fields.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Only those of this kind.
    kind: Option<RecordKind>,
    /// Asks the platform anew; otherwise its answer is believed for five minutes.
    #[serde(default)]
    #[param(default = false)]
    refresh: bool,
}

/// The fields of a kind on both sides.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KindFields)]
pub(crate) struct View {
    /// The kind.
    kind: RecordKind,
    /// Coccinelle's.
    ours: Vec<Ours>,
    /// The account's, its own ones among them; `null` where the platform describes none.
    theirs: Option<Vec<Theirs>>,
    /// When the platform said so.
    described_at: Option<Timestamp>,
}

/// One of Coccinelle's fields.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OurField)]
struct Ours {
    /// Its name in mappings.
    #[schema(example = "first_name")]
    name: &'static str,
    /// `text`, `email`, `phone`, `date_time`, `number` or `choice`.
    r#type: &'static str,
    /// The longest text, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_length: Option<usize>,
    /// The words of a choice.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    words: &'static [&'static str],
}

/// One of the account's fields.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TheirField)]
struct Theirs {
    /// Its name in mappings.
    #[schema(example = "firstname")]
    name: String,
    /// Its name for people.
    #[schema(example = "First Name")]
    label: String,
    /// `text`, `number`, `date`, `date_time`, `bool`, `choice`, `phone` or `other`.
    r#type: &'static str,
    /// The words of a choice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<Word>,
    /// Whether only the platform writes it.
    read_only: bool,
    /// Whether no two objects may share a value.
    unique: bool,
    /// Whether the account made it itself.
    custom: bool,
}

/// A word of a choice.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldOption)]
struct Word {
    /// What is written.
    value: String,
    /// What people see.
    label: String,
}

/// Lists the fields of both sides: Coccinelle's, and those that the connected account has, its own ones among them.
#[utoipa::path(tag = "mappings", security(("bearer" = ["viewer", "admin"])),
    params(("id" = IntegrationId, Path, description = "Which integration."), Wanted),
    responses(
        (status = 200, body = List<View>, description = "The fields, kind by kind."),
        (status = 409, description = "`platform_refused`: the platform does not let us ask. `not_connected`: no account is \
            connected, or its access has ended."),
        (status = 503, description = "`platform_unavailable`: the platform does not answer, and no \
            earlier answer is at hand."),
    ))]
#[get("/integrations/{id}/fields")]
pub(crate) async fn list_fields(
    caller: Viewer,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    wanted: QueryParams<Wanted>,
) -> Result<HttpResponse, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(caller.tenant_id)).await?;
    let integration = find(&mut tx, caller.tenant_id, id.0).await?;
    tx.commit().await?;
    let held = kinds_of(&integration);
    if let Some(kind) = wanted.0.kind.filter(|kind| !held.contains(kind)) {
        return Err(Refusal::at("kind", format!("must be one that the platform holds, and not {kind}")).into());
    }
    let patience = Patience::begins(&gateway);
    let mut data = Vec::new();
    for kind in held.iter().filter(|kind| wanted.0.kind.is_none_or(|wanted| wanted == **kind)) {
        let described = gateway.descriptions.of((&gateway, patience), &integration, *kind, wanted.0.refresh).await?;
        data.push(View::of(*kind, described.as_deref()));
    }
    Ok(HttpResponse::Ok().json(List { data }))
}

/// Asks the platform anew which fields of a kind the account has.
pub(crate) async fn described(
    gateway: &Gateway,
    (tenant, id): (TenantId, IntegrationId),
    kind: RecordKind,
) -> Result<(), Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    let integration = find(&mut tx, tenant, id).await?;
    tx.commit().await?;
    gateway.descriptions.of((gateway, Patience::begins(gateway)), &integration, kind, true).await.map(|_described| ())
}

impl View {
    fn of(kind: RecordKind, described: Option<&Described>) -> Self {
        Self {
            kind,
            ours: schema::fields_of(kind).iter().map(Ours::of).collect(),
            theirs: described.map(|described| described.fields.iter().map(Theirs::of).collect()),
            described_at: described.map(|described| described.at),
        }
    }
}

impl Ours {
    fn of(spec: &FieldSpec) -> Self {
        let (r#type, max_length, words) = match spec.field_type {
            FieldType::Text(limit) => ("text", Some(limit), [].as_slice()),
            FieldType::Email => ("email", None, [].as_slice()),
            FieldType::Phone => ("phone", None, [].as_slice()),
            FieldType::DateTime => ("date_time", None, [].as_slice()),
            FieldType::Number => ("number", None, [].as_slice()),
            FieldType::Choice(words) => ("choice", None, words),
        };
        Self { name: spec.name, r#type, max_length, words }
    }
}

impl Theirs {
    fn of(field: &RemoteField) -> Self {
        let word = |RemoteOption { value, label }: &RemoteOption| Word { value: value.clone(), label: label.clone() };
        Self {
            name: field.name.clone(),
            label: field.label.clone(),
            r#type: match field.field_type {
                RemoteFieldType::Text => "text",
                RemoteFieldType::Number => "number",
                RemoteFieldType::Date => "date",
                RemoteFieldType::DateTime => "date_time",
                RemoteFieldType::Bool => "bool",
                RemoteFieldType::Choice => "choice",
                RemoteFieldType::Phone => "phone",
                RemoteFieldType::Other => "other",
            },
            options: field.options.iter().map(word).collect(),
            read_only: field.read_only,
            unique: field.unique,
            custom: field.custom,
        }
    }
}

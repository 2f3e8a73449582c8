//! Coccinelle's copies, and where their counterparts are. Changing them is the dispatcher's.

use actix_web::{HttpResponse, Responder, web};
use domain::field::FieldValue;
use domain::id::RecordId;
use domain::identity::{Identity, Region};
use domain::kind::RecordKind;
use domain::record::{Record, Stamped};
use domain::time::Timestamp;
use persistence::records::links::{self, LinkView};
use persistence::records::listing::{self, Listed, Wanted};
use persistence::records::store;
use persistence::{Scope, tenants};
use runtime::http::Problem;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::auth::Viewer;
use crate::body::{Id, Query};
use crate::refusal::Refusal;
use crate::state::Gateway;

/// Records in one answer.
const PAGE: u32 = 50;

/// Which records.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    /// Of which kind; contacts where nothing is said.
    kind: Option<RecordKind>,
    /// An e-mail address, a telephone number in any form, or Coccinelle's own id of the subject.
    q: Option<String>,
    cursor: Option<String>,
}

/// Lists records, those that changed last first; `q` finds the one that an identifier names.
pub(crate) async fn list_records(
    caller: Viewer,
    gateway: web::Data<Gateway>,
    search: Query<Search>,
) -> Result<impl Responder, Problem> {
    let tenant = caller.tenant_id;
    let after = search.0.cursor.as_deref().map(place).transpose()?;
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    let region = tenants::region(&mut tx, tenant).await?.unwrap_or(Region::FR);
    let identifiers = search.0.q.as_deref().map(|q| identifiers(q.trim(), region));
    let kind = search.0.kind.unwrap_or(RecordKind::Contact);
    let found = listing::list(&mut tx, tenant, &Wanted { kind, identifiers, after, limit: PAGE }).await?;
    tx.commit().await?;
    let is_full = u32::try_from(found.len()).is_ok_and(|count| count >= PAGE);
    let next = found.last().filter(|_| is_full).map(|last| format!("{}~{}", last.updated_at, last.record.id));
    let data: Vec<Value> = found.iter().map(listed).collect();
    Ok(HttpResponse::Ok().json(json!({ "data": data, "next_cursor": next })))
}

fn place(cursor: &str) -> Result<(Timestamp, RecordId), Refusal> {
    let parts = cursor.split_once('~').and_then(|(at, id)| Some((Timestamp::parse(at)?, id.parse().ok()?)));
    parts.ok_or_else(|| Refusal::at("cursor", "must be a `next_cursor` of this list"))
}

/// What somebody typed, in every normal form that it may have.
fn identifiers(typed: &str, region: Region) -> Vec<String> {
    let text = FieldValue::text(typed.replace('\0', ""));
    let forms = [Identity::email(Some(&text)), Identity::phone(Some(&text), region), Some(Identity::coccinelle(typed))];
    forms.into_iter().flatten().map(|identity| identity.value.replace('\0', "")).collect()
}

fn listed(listed: &Listed) -> Value {
    let mut shown = summary(&listed.record);
    shown.insert("updated_at".to_owned(), json!(listed.updated_at));
    Value::Object(shown)
}

/// Shows one record: each field with its time and where it came from, and its counterparts.
pub(crate) async fn show_record(
    caller: Viewer,
    id: Id<RecordId>,
    gateway: web::Data<Gateway>,
) -> Result<impl Responder, Problem> {
    let tenant = caller.tenant_id;
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    let record = store::get(&mut tx, tenant, id.0).await?.ok_or(Refusal::NotFound)?;
    let links = links::of_record(&mut tx, tenant, id.0).await?;
    tx.commit().await?;
    let mut shown = summary(&record);
    shown.insert("links".to_owned(), links.iter().map(link).collect());
    Ok(HttpResponse::Ok().json(shown))
}

fn summary(record: &Record) -> Map<String, Value> {
    let fields: Map<String, Value> =
        record.fields.iter().map(|(name, stamped)| (name.as_str().to_owned(), field(stamped))).collect();
    Map::from_iter([
        ("id".to_owned(), json!(record.id)),
        ("kind".to_owned(), json!(record.kind)),
        ("version".to_owned(), json!(record.version)),
        ("deleted".to_owned(), json!(record.fields.is_deleted())),
        ("fields".to_owned(), Value::Object(fields)),
    ])
}

fn field(stamped: &Stamped) -> Value {
    json!({ "value": stamped.value, "at": stamped.stamp.at, "origin": stamped.stamp.origin })
}

fn link(link: &LinkView) -> Value {
    let state = if link.is_blocked {
        "failed"
    } else if link.is_owed {
        "pending"
    } else {
        "in_step"
    };
    json!({
        "id": link.id,
        "integration_id": link.integration,
        "platform": link.platform,
        "external_id": link.external_id,
        "state": state,
        "error": link.error_message,
        "updated_at": link.updated_at,
    })
}

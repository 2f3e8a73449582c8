//! Coccinelle's copies, and where their counterparts are. Changing them is the dispatcher's.

mod erase;
mod erasures;
mod history;
pub(crate) mod view;

use actix_web::{HttpResponse, get, web};
use domain::field::FieldValue;
use domain::id::{IntegrationId, RecordId, TenantId};
use domain::identity::{self, Identity, Region};
use domain::kind::RecordKind;
use persistence::records::links;
use persistence::records::listing::{self, FoundBy, Listed, Wanted};
use persistence::records::{joining, store};
use persistence::{Scope, Transaction, tenants};
use runtime::http::Problem;
use serde::Deserialize;

pub(crate) use self::erase::{erase_person, erased};
pub(crate) use self::erasures::{list_erasures, show_erasure};
pub(crate) use self::history::show_history;
use self::view::{Listing, Shown};
use crate::auth::Viewer;
use crate::body::{Id, QueryParams};
use crate::page::{self, Page};
use crate::refusal::Refusal;
use crate::state::Gateway;

/// Which records.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Search {
    /// Of which kind; contacts where nothing is said.
    pub(crate) kind: Option<RecordKind>,
    /// An e-mail address, a telephone number in any form, Coccinelle's own id of the subject, a platform's id of the object,
    /// or the beginning of a name (first or last name first, in any case, with or without accents) or title.
    #[param(example = "dupont mar")]
    pub(crate) q: Option<String>,
    /// The `next_cursor` of the part before.
    pub(crate) cursor: Option<String>,
    /// Records in the answer.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub(crate) limit: Option<u32>,
}

/// Lists records, the newest first; one that changes keeps its place. `q` finds those that an identifier or the beginning of a name names.
#[utoipa::path(tag = "records", security(("bearer" = ["viewer", "admin"])), params(Search),
    responses((status = 200, body = Page<Listing>, description = "The records.")))]
#[get("/records")]
pub(crate) async fn list_records(
    caller: Viewer,
    gateway: web::Data<Gateway>,
    search: QueryParams<Search>,
) -> Result<HttpResponse, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(caller.tenant_id)).await?;
    let found = found(&mut tx, caller.tenant_id, search.0).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(found.map(Listing::from)))
}

/// The records that somebody looks for.
pub(crate) async fn found(tx: &mut Transaction, tenant: TenantId, search: Search) -> Result<Page<Listed>, Problem> {
    let wanted = wanted(tx, tenant, search).await?;
    let found = listing::list(tx, tenant, &wanted).await?;
    Ok(page_of(found, &wanted))
}

/// Those of them that an integration has a link for.
pub(crate) async fn found_linked(
    tx: &mut Transaction,
    whose: (TenantId, IntegrationId),
    search: Search,
) -> Result<Page<Listed>, Problem> {
    let wanted = wanted(tx, whose.0, search).await?;
    let found = listing::linked(tx, whose, &wanted).await?;
    Ok(page_of(found, &wanted))
}

fn page_of(found: Vec<Listed>, wanted: &Wanted) -> Page<Listed> {
    Page::of(found, wanted.limit, |last: &Listed| last.record.id.to_string())
}

async fn wanted(tx: &mut Transaction, tenant: TenantId, search: Search) -> Result<Wanted, Problem> {
    let limit = page::limit(search.limit)?;
    let after = page::place(search.cursor.as_deref())?;
    let region = tenants::region(tx, tenant).await?.unwrap_or(identity::HOME);
    let found_by = search.q.as_deref().map(|q| found_by(&q.replace('\0', ""), region));
    Ok(Wanted { kind: search.kind.unwrap_or(RecordKind::Contact), found_by, after, limit })
}

/// Characters of a name that count; none is longer.
const NAME_LIMIT: usize = 200;

/// What somebody typed: every normal form that it may have as an identifier, and a name.
fn found_by(typed: &str, region: Region) -> FoundBy {
    let text = FieldValue::text(typed.trim());
    let forms = [Identity::email(Some(&text)), Identity::phone(Some(&text), region)];
    let identifiers = forms.into_iter().flatten().map(|identity| identity.value).chain([typed.trim().to_owned()]);
    FoundBy { identifiers: identifiers.collect(), name: typed.chars().take(NAME_LIMIT).collect() }
}

/// Shows one record: each field with its time and where it came from, and its counterparts.
///
/// The id of a record that has become one with another leads to that one, which has another `id`.
#[utoipa::path(tag = "records", security(("bearer" = ["viewer", "admin"])), params(("id" = RecordId, Path, description = "Which record.")),
    responses((status = 200, body = Shown, description = "The record.")))]
#[get("/records/{id}")]
pub(crate) async fn show_record(
    caller: Viewer,
    id: Id<RecordId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let tenant = caller.tenant_id;
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    let id = joining::resolve(&mut tx, tenant, id.0).await?.ok_or(Refusal::NotFound)?;
    let record = store::get(&mut tx, tenant, id).await?.ok_or(Refusal::NotFound)?;
    let links = links::of_record(&mut tx, tenant, id).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(Shown::of(&record, links)))
}

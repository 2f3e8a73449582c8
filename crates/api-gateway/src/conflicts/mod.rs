//! What systems disagree about, as a list. Deciding is `decide`'s; that the records follow, the dispatcher's.

mod decide;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpResponse, get, web};
use domain::id::{RecordId, TenantId};
use domain::kind::RecordKind;
use domain::record::Record;
use persistence::records::conflicts::{self, Filter, Kept, Sort};
use persistence::records::{joining, store};
use persistence::{PersistenceError, Scope, Transaction};
use runtime::http::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use self::decide::{decide_conflict, settled};
use self::view::View;
use crate::auth::Viewer;
use crate::body::QueryParams;
use crate::page::{self, Page};
use crate::state::Gateway;

/// What a conflict is about.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum About {
    /// The value of a field.
    Value,
    /// An identifier that two records claim.
    Identity,
}

/// Whether somebody has decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ConflictState)]
pub(crate) enum State {
    /// Nobody has.
    Open,
    /// Somebody has.
    Closed,
}

/// Which conflicts.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Only those about this.
    #[param(inline)]
    #[serde(rename = "type")]
    about: Option<About>,
    /// Only those of this kind of record.
    kind: Option<RecordKind>,
    /// Only open ones, or only closed ones.
    state: Option<State>,
    /// Only those of this record, on either side.
    record: Option<RecordId>,
    /// The `next_cursor` of the part before.
    cursor: Option<String>,
    /// Conflicts in the answer.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// Lists what systems disagree about, the newest first: values of a field, and identifiers that two records claim.
#[utoipa::path(tag = "conflicts", security(("bearer" = ["viewer", "admin"])), params(Wanted),
    responses((status = 200, body = Page<View>, description = "The conflicts.")))]
#[get("/conflicts")]
pub(crate) async fn list_conflicts(
    caller: Viewer,
    gateway: web::Data<Gateway>,
    wanted: QueryParams<Wanted>,
) -> Result<HttpResponse, Problem> {
    let (tenant, wanted) = (caller.tenant_id, wanted.0);
    let page = page::of_log(wanted.limit, wanted.cursor.as_deref())?;
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    let record = match wanted.record {
        // One that became another is meant as that.
        Some(id) => Some(joining::resolve(&mut tx, tenant, id).await?.unwrap_or(id)),
        None => None,
    };
    let filter = Filter {
        sort: match wanted.about {
            None => Sort::Conflicts,
            Some(About::Value) => Sort::Values,
            Some(About::Identity) => Sort::Identities,
        },
        kind: wanted.kind,
        is_open: wanted.state.map(|state| state == State::Open),
        record,
    };
    let found = conflicts::list(&mut tx, tenant, filter, &page).await?;
    let records = records_of(&mut tx, tenant, &found).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(Page::of_log(found, &page).map(|kept| View::of(kept, &records))))
}

/// The records that conflicts about identifiers are between.
async fn records_of(
    tx: &mut Transaction,
    tenant: TenantId,
    conflicts: &[Kept],
) -> Result<BTreeMap<RecordId, Record>, PersistenceError> {
    let between = conflicts.iter().filter_map(|kept| Some([kept.record, kept.holder?])).flatten();
    let ids: BTreeSet<RecordId> = between.collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let found = store::get_many(tx, tenant, &ids).await?;
    Ok(found.into_iter().map(|record| (record.id, record)).collect())
}

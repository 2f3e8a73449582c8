//! What was tried with a platform and what came of it, newest first. Writing the logs is log-writer's.

use actix_web::{HttpResponse, get, web};
use domain::id::{IntegrationId, LinkId, RecordId, SyncLogId, TenantId};
use domain::kind::RecordKind;
use domain::outcome::SyncType;
use domain::time::Timestamp;
use persistence::sync_logs::{self, Filter, LogStatus, Sought, SyncLog, Way};
use persistence::webhook_logs::{self, WebhookLog};
use persistence::{PersistenceError, Scope, Transaction};
use runtime::http::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::find;
use crate::auth::Viewer;
use crate::body::{Id, Ids, QueryParams};
use crate::page::{self, Page};
use crate::refusal::Refusal;
use crate::state::Gateway;

/// The longest text that is looked for, in characters.
const TEXT_LIMIT: usize = 200;

/// In how many days words are looked for where nothing is said, and at most.
const DAYS: (u64, u64) = (7, 31);

/// Attempts shown beside one: those before it, and those of its trace.
const BESIDE: u32 = 50;

/// Which rows.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Only attempts that ended so.
    status: Option<LogStatus>,
    /// Only attempts at this.
    #[serde(rename = "type")]
    sync_type: Option<SyncType>,
    /// Only attempts with records of this kind.
    kind: Option<RecordKind>,
    /// Only attempts at moving data this way.
    #[param(inline)]
    direction: Option<Way>,
    /// Only attempts with this record.
    record_id: Option<RecordId>,
    /// Only attempts that failed like this.
    fingerprint: Option<String>,
    /// Only attempts from then on.
    since: Option<Timestamp>,
    /// Only attempts before then.
    until: Option<Timestamp>,
    /// An id of a record, a link or a trace, the platform's id of an object, or words of an error. Words and the
    /// platform's ids are looked for in the 7 days before `until`, or in a time of 31 days at most, and words in its newest
    /// 1,000 failures.
    #[param(max_length = 200, example = "INVALID_EMAIL")]
    q: Option<String>,
    /// The `next_cursor` of the part before.
    cursor: Option<String>,
    /// Rows in the answer.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

/// Lists the attempts of an integration, newest first; `next_cursor` leads to the older ones.
#[utoipa::path(tag = "logs", security(("bearer" = ["viewer", "admin"])), params(("id" = IntegrationId, Path, description = "Which integration."), Wanted),
    responses((status = 200, body = Page<SyncLog>, description = "The attempts.")))]
#[get("/integrations/{id}/logs")]
pub(crate) async fn list_logs(
    caller: Viewer,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    wanted: QueryParams<Wanted>,
) -> Result<HttpResponse, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(caller.tenant_id)).await?;
    let logs = listed(&mut tx, (caller.tenant_id, id.0), wanted.0).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(logs))
}

/// The attempts of an integration that are wanted.
pub(crate) async fn listed(
    tx: &mut Transaction,
    whose: (TenantId, IntegrationId),
    wanted: Wanted,
) -> Result<Page<SyncLog>, Problem> {
    let page = page::of_log(wanted.limit, wanted.cursor.as_deref())?;
    let filter = wanted.filter(Timestamp::now())?;
    find(tx, whose.0, whose.1).await?;
    let logs = sync_logs::list(tx, whose, filter, &page).await?;
    Ok(Page::of_log(logs, &page))
}

impl Wanted {
    fn filter(self, now: Timestamp) -> Result<Filter, Refusal> {
        let mut filter = Filter {
            status: self.status,
            sync_type: self.sync_type,
            kind: self.kind,
            direction: self.direction,
            record: self.record_id,
            fingerprint: self.fingerprint,
            since: self.since,
            until: self.until,
            text: None,
        };
        let Some(text) = self.q.as_deref().map(str::trim).filter(|text| !text.is_empty()) else { return Ok(filter) };
        if text.chars().count() > TEXT_LIMIT {
            return Err(Refusal::at("q", format!("must be {TEXT_LIMIT} characters at most")));
        }
        if let Ok(record) = text.parse::<RecordId>() {
            filter.text = Some(Sought::Record(record));
        } else if let Ok(link) = text.parse::<LinkId>() {
            filter.text = Some(Sought::Link(link));
        } else if text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            filter.text = Some(Sought::Trace(text.to_ascii_lowercase()));
        } else {
            filter.text = Some(Sought::Words(text.to_owned()));
            filter.since = Some(within(filter.since, filter.until.unwrap_or(now))?);
        }
        Ok(filter)
    }
}

/// The beginning of a time in which words are looked for.
fn within(since: Option<Timestamp>, until: Timestamp) -> Result<Timestamp, Refusal> {
    let (usual, longest) = DAYS;
    let before = |days: u64| until.minus(std::time::Duration::from_hours(days * 24));
    match since {
        None => Ok(before(usual)),
        Some(since) if since >= before(longest) => Ok(since),
        Some(_) => Err(Refusal::at("since", format!("must lie {longest} days before `until` at most, to find `q`"))),
    }
}

/// One attempt with what belongs to it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Attempt {
    #[serde(flatten)]
    pub(crate) log: SyncLog,
    /// The attempts with the same link before this one, newest first, 50 at most.
    pub(crate) before: Vec<SyncLog>,
    /// What else its trace led to.
    pub(crate) trace: Trail,
}

/// What one trace led to, in all of the tenant's integrations, oldest first, 50 of each at most.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogTrace)]
pub(crate) struct Trail {
    /// Deliveries that it began with.
    pub(crate) deliveries: Vec<WebhookLog>,
    /// Attempts.
    pub(crate) attempts: Vec<SyncLog>,
}

impl Trail {
    /// What the trace of that id led to.
    pub(crate) async fn of(tx: &mut Transaction, tenant: TenantId, id: &str) -> Result<Self, PersistenceError> {
        let deliveries = webhook_logs::of_trace(tx, tenant, id, BESIDE).await?;
        Ok(Self { deliveries, attempts: sync_logs::of_trace(tx, tenant, id, BESIDE).await? })
    }
}

/// Shows one attempt in full, the attempts before it, and what else its trace led to.
#[utoipa::path(tag = "logs", security(("bearer" = ["viewer", "admin"])), params(("id" = IntegrationId, Path, description = "Which integration."), ("log" = SyncLogId, Path, description = "Which attempt.")),
    responses((status = 200, body = Attempt, description = "The attempt.")))]
#[get("/integrations/{id}/logs/{log}")]
pub(crate) async fn show_log(
    caller: Viewer,
    ids: Ids<IntegrationId, SyncLogId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(caller.tenant_id)).await?;
    let attempt = attempt(&mut tx, (caller.tenant_id, ids.0), ids.1).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(attempt))
}

/// One attempt with what belongs to it.
pub(crate) async fn attempt(
    tx: &mut Transaction,
    whose: (TenantId, IntegrationId),
    id: SyncLogId,
) -> Result<Attempt, Problem> {
    let tenant = whose.0;
    find(tx, tenant, whose.1).await?;
    let log = sync_logs::get(tx, whose, id).await?.ok_or(Refusal::NotFound)?;
    let before = sync_logs::before(tx, tenant, &log, BESIDE).await?;
    let mut trace = Trail::of(tx, tenant, &log.correlation_id).await?;
    trace.attempts.retain(|other| other.id != log.id);
    Ok(Attempt { log, before, trace })
}

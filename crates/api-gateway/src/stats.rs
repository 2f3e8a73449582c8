//! How it goes: volume, success, speed, errors and drift over a time, of one integration or of all. Counting is log-writer's.

use actix_web::{HttpResponse, get, web};
use domain::id::IntegrationId;
use domain::time::Timestamp;
use persistence::stats::{self, Span, Stats, Step, Whose};
use persistence::{Scope, Transaction, settings};
use runtime::http::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Viewer;
use crate::body::{Id, QueryParams};
use crate::integrations;
use crate::state::Gateway;

/// Over which time, up to now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub(crate) enum Period {
    /// 24 hours, hour by hour.
    #[default]
    #[serde(rename = "24h")]
    Day,
    /// 7 days, day by day in the tenant's time zone.
    #[serde(rename = "7d")]
    Week,
    /// 30 days, day by day in the tenant's time zone.
    #[serde(rename = "30d")]
    Month,
}

impl Period {
    fn span(self, time_zone: String) -> Span {
        let (step, buckets) = match self {
            Self::Day => (Step::Hour, 24),
            Self::Week => (Step::Day, 7),
            Self::Month => (Step::Day, 30),
        };
        Span { step, buckets, time_zone, now: Timestamp::now() }
    }
}

/// Which time.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Over which time, up to now.
    #[serde(default)]
    #[param(inline, default = "24h")]
    pub(crate) period: Period,
}

/// What happened over a time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Statistics)]
pub(crate) struct Shown {
    /// Over which time.
    period: Period,
    /// The time zone in which the buckets begin.
    #[schema(example = "Europe/Paris")]
    time_zone: String,
    #[serde(flatten)]
    pub(crate) stats: Stats,
}

/// Shows how all that the tenant has connected does, taken together.
#[utoipa::path(tag = "statistics", security(("bearer" = ["viewer", "admin"])), params(Wanted),
    responses((status = 200, body = Shown, description = "The statistics.")))]
#[get("/stats")]
pub(crate) async fn show_stats(
    caller: Viewer,
    gateway: web::Data<Gateway>,
    wanted: QueryParams<Wanted>,
) -> Result<HttpResponse, Problem> {
    answer(&gateway, Whose { tenant: caller.tenant_id, integration: None }, wanted.0.period).await
}

/// Shows how one integration does.
#[utoipa::path(tag = "statistics", security(("bearer" = ["viewer", "admin"])), params(("id" = IntegrationId, Path, description = "Which integration."), Wanted),
    responses((status = 200, body = Shown, description = "The statistics.")))]
#[get("/integrations/{id}/stats")]
pub(crate) async fn show_integration_stats(
    caller: Viewer,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    wanted: QueryParams<Wanted>,
) -> Result<HttpResponse, Problem> {
    answer(&gateway, Whose { tenant: caller.tenant_id, integration: Some(id.0) }, wanted.0.period).await
}

async fn answer(gateway: &Gateway, whose: Whose, period: Period) -> Result<HttpResponse, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(whose.tenant)).await?;
    if let Some(id) = whose.integration {
        integrations::find(&mut tx, whose.tenant, id).await?;
    }
    let shown = shown(&mut tx, whose, period).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().json(shown))
}

/// What happened over that time.
pub(crate) async fn shown(tx: &mut Transaction, whose: Whose, period: Period) -> Result<Shown, Problem> {
    let time_zone = settings::get(tx, whose.tenant).await?.time_zone.name().to_owned();
    let span = period.span(time_zone.clone());
    let stats = stats::read(tx, whose, &span).await?;
    Ok(Shown { period, time_zone, stats })
}

//! The activity of everything that a tenant has connected: the alerts, the figures of all, and the integrations side by side.

use actix_web::{HttpRequest, HttpResponse, get, web};
use askama::Template;
use persistence::Scope;
use persistence::stats::{self as kept, Whose};
use runtime::http::Problem;

use super::alarms::{self, Alarm};
use super::catalogue::Card;
use super::fields::Fields;
use super::frame::{Frame, Section, Visit};
use super::statistics::{Figures, Wanted};
use super::text::catalogue as m;
use super::text::{activity as words, alerts as alert_words, frame as frame_words};
use super::text::{logs as logs_words, statistics as figures_words};
use crate::state::Gateway;
use crate::{integrations, stats};

#[derive(Template)]
#[template(path = "activity.html")]
struct Page {
    frame: Frame,
    cards: Vec<Card>,
    alarms: Vec<Alarm>,
    /// The page with the alerts before these.
    older: Option<String>,
    /// The page with the newest, where these are not.
    newest: Option<String>,
    figures: Figures,
}

impl Page {
    /// The figures are about no integration alone.
    fn about(&self) -> &'static str {
        ""
    }
}

/// The activity of all.
#[get("/activity")]
pub(super) async fn show_activity(
    visit: Visit,
    gateway: web::Data<Gateway>,
    wanted: web::Query<Wanted>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let tenant = visit.tenant_id;
    let asked = Fields::read(request.query_string().as_bytes());
    let after = asked.given("alerts");
    let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
    let views = integrations::configured(&gateway, &mut tx, tenant).await?;
    let mut glances = kept::glance(&mut tx, tenant).await?;
    let period = wanted.period();
    let figures = stats::shown(&mut tx, Whose { tenant, integration: None }, period).await?;
    let (incidents, older) = alarms::shown(&mut tx, tenant, after).await?;
    let frame = visit.frame(&mut tx, Section::Activity, visit.reader.say(frame_words::ACTIVITY)).await?;
    tx.commit().await?;
    let cards = views.into_iter().map(|view| {
        let glance = glances.remove(&view.id.to_string()).unwrap_or_default();
        Card::of(view, &glance)
    });
    let here = format!("/dashboard/activity?period={}", wanted.name());
    let page = Page {
        cards: cards.collect(),
        alarms: incidents.into_iter().map(|incident| Alarm::of(&frame, incident)).collect(),
        older: older.map(|place| format!("{here}&alerts={place}#alerts")),
        newest: after.map(|_| format!("{here}#alerts")),
        figures: Figures::of(&frame, period, figures.stats, "/dashboard/activity".to_owned()),
        frame,
    };
    page.frame.show(&page)
}

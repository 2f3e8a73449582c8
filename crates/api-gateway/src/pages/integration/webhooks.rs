//! How the platform tells us of changes: the address, what signs it, whether it was seen to, and what came of the last deliveries.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;
use connectors::connector::Connector;
use domain::id::{IntegrationId, WebhookLogId};
use domain::time::Timestamp;
use persistence::Scope;
use persistence::webhook_logs::{self, Filter, WebhookLog};
use runtime::http::Problem;

use super::super::{
    fields::Fields,
    frame::{Frame, Visit},
    text::{Message, consent as consent_words, frame as frame_words, integration as shell_words, say},
    text::{logs as logs_words, webhooks as m},
};
use super::logs::{Line, pretty};
use super::{Shell, Tab};
use crate::integrations::{self, Rotated, Subscription, SubscriptionState as State, Trail, WebhookView};
use crate::{
    body::{Id, Ids},
    change::Change,
    page,
    refusal::Refusal,
    state::Gateway,
};

#[derive(Template)]
#[template(path = "webhooks.html")]
struct Page {
    frame: Frame,
    shell: Shell,
    webhook: WebhookView,
    rotated: Option<Rotated>,
    /// How an administrator sets it up, where the account's user may not let us.
    by_hand: Option<Message>,
    /// Where the platform says how it is set up.
    docs_url: &'static str,
    deliveries: Vec<WebhookLog>,
    older: Option<String>,
    is_first: bool,
}

#[derive(Template)]
#[template(path = "delivery.html")]
struct One {
    frame: Frame,
    shell: Shell,
    log: WebhookLog,
    attempts: Vec<Line>,
}

/// The address, its secret, and the deliveries.
#[get("/integrations/{id}/webhooks")]
pub(super) async fn show_webhooks(
    visit: Visit,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let fields = Fields::read(request.query_string().as_bytes());
    let page = Page::of(&visit, &gateway, id.0, fields.given("cursor")).await?;
    page.frame.show(&page)
}

/// One delivery in full.
#[get("/integrations/{id}/webhooks/{delivery}")]
pub(super) async fn show_delivery(
    visit: Visit,
    ids: Ids<IntegrationId, WebhookLogId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(visit.tenant_id)).await?;
    let (shell, frame) = Shell::of(&visit, &gateway, &mut tx, ids.0, Tab::Webhooks).await?;
    let log = webhook_logs::get(&mut tx, (visit.tenant_id, ids.0), ids.1).await?.ok_or(Refusal::NotFound)?;
    let trail = Trail::of(&mut tx, visit.tenant_id, &log.correlation_id).await?;
    tx.commit().await?;
    let attempts = trail.attempts.into_iter().map(Line::of).collect();
    let page = One { frame, shell, log, attempts };
    page.frame.show(&page)
}

/// Makes a new secret, and shows it this once.
#[post("/integrations/{id}/webhooks/rotate")]
pub(super) async fn rotate(
    change: Change,
    visit: Visit,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let rotated = integrations::rotated(&gateway, &change, id.0).await?;
    let visit = visit.at(format!("/dashboard/integrations/{}/webhooks", id.0));
    let mut page = Page::of(&visit, &gateway, id.0, None).await?;
    page.rotated = Some(rotated);
    page.frame.show(&page)
}

impl Page {
    async fn of(visit: &Visit, gateway: &Gateway, id: IntegrationId, cursor: Option<&str>) -> Result<Self, Problem> {
        let whose = (visit.tenant_id, id);
        let wanted = page::of_log(None, cursor)?;
        let mut tx = gateway.database.begin(Scope::Tenant(visit.tenant_id)).await?;
        let (shell, frame) = Shell::of(visit, gateway, &mut tx, id, Tab::Webhooks).await?;
        let webhook = integrations::webhook(gateway, &mut tx, whose).await?;
        let connector = integrations::platform_of(&shell.view.platform)?.connector();
        let (by_hand, docs_url) = (by_hand(connector, &webhook.subscription), connector.descriptor().docs_url);
        let found = webhook_logs::list(&mut tx, whose, &Filter::default(), &wanted).await?;
        tx.commit().await?;
        let found = page::Page::of_log(found, &wanted);
        let older = found.next_cursor.map(|cursor| format!("{}?cursor={cursor}", shell.path(Tab::Webhooks)));
        let is_first = cursor.is_none();
        Ok(Self { frame, shell, webhook, rotated: None, by_hand, docs_url, deliveries: found.data, older, is_first })
    }
}

/// The steps, where we would see to it ourselves and may not.
fn by_hand(connector: &dyn Connector, subscription: &Subscription) -> Option<Message> {
    let is_left = subscription.state == State::ByHand && subscription.problem.is_some();
    let steps = connector.subscriptions()?.by_hand().filter(|_| is_left)?;
    Some(say(steps.fr, steps.en))
}

/// How the subscription stands, in a sentence.
fn standing(subscription: &Subscription, platform: &str, frame: &Frame) -> String {
    let checked_at = || subscription.checked_at.map(|at| frame.exact(at)).unwrap_or_default();
    match (subscription.state, subscription.problem.as_deref()) {
        (State::Subscribed, _) if subscription.is_the_apps() => frame.fill(m::APP_GOOD, checked_at()),
        (State::Subscribed, _) => frame.fill(m::OURS_GOOD, checked_at()),
        (State::Problem, Some(problem)) => frame.fill(m::OURS_BAD, frame.cause("", problem)),
        (State::Problem, None) => frame.say(m::APP_BAD),
        (State::Pending, _) => frame.say(m::OURS_NEW),
        (State::ByHand, Some(_)) => frame.say(m::OURS_BY_HAND),
        (State::ByHand, None) => frame.fill(m::BY_HAND, platform),
        (State::ByOperator, _) => frame.say(m::BY_APP),
        (State::KeyAlone, _) => frame.fill(m::KEY_ALONE, platform),
    }
}

/// What became of a delivery, in a word.
fn outcome(log: &WebhookLog) -> Message {
    match (log.verified, log.outcome.as_str()) {
        (false, _) => m::REFUSED,
        (true, "applied") => m::APPLIED,
        (true, _) => m::IGNORED,
    }
}

/// Why a delivery was refused or ignored. A code that is not known here is shown as it is.
fn reason(code: &str) -> Option<Message> {
    match code {
        "unsigned" => Some(m::UNSIGNED),
        "undated" => Some(m::UNDATED),
        "outside_window" => Some(m::OUTSIDE_WINDOW),
        "wrong_signature" => Some(m::WRONG_SIGNATURE),
        "no_secret" => Some(m::NO_SECRET),
        "unknown_account" => Some(m::UNKNOWN_ACCOUNT),
        _ => None,
    }
}

/// Until when the secret before is still good.
fn still_good(until: Timestamp, frame: &Frame) -> String {
    frame.fill(m::PREVIOUS, frame.exact(until))
}

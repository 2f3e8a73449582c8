//! The settings of a tenant: who is told of trouble, how long logs are kept, what is taken out of them, and who changed what. The
//! tokens that it shows as well are `tokens`'s.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;
use persistence::audit::{self, Filter};
use persistence::{Scope, Transaction, integrations};
use runtime::http::Problem;
use serde_json::{Value, json};

use super::fields::Fields;
use super::form::{self, Form, word};
use super::frame::{Frame, Section, Visit};
use super::policies::{self, Believed, Hook};
use super::said::{Said, lead, told};
use super::text::webhooks as webhook_words;
use super::text::{Message, frame as frame_words, logs as logs_words, settings as m, tokens as t};
use super::tokens::Tokens;
use super::{changes::Told, connect::status_of};
use crate::settings::{self, View};
use crate::{body, change::Change, door::Door, page, state::Gateway};
use crate::{integrations::name_of, refusal::Refusal};

/// Changes that are shown.
const CHANGES: u32 = 20;

#[derive(Template)]
#[template(path = "settings.html")]
pub(super) struct Page {
    pub(super) frame: Frame,
    form: Form,
    view: View,
    said: Option<Said>,
    retention_limit: u32,
    pub(super) tokens: Tokens,
    changes: Vec<Told>,
    /// The page with what was changed before.
    older: Option<String>,
    is_newest: bool,
    hooks: Vec<Hook>,
    believed: Vec<Believed>,
    /// Who can be believed, by slug and name.
    systems: Vec<(String, String)>,
}

/// Behind what in its lists a page goes on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct After<'a> {
    tokens: Option<&'a str>,
    changes: Option<&'a str>,
}

/// Whose deletions are carried on.
const CARRIED: [(&str, Message); 3] =
    [("coccinelles", m::COCCINELLES), ("everybodys", m::EVERYBODYS), ("nobodys", m::NOBODYS)];

/// Where most tenants are; any other country is typed.
const REGIONS: [(&str, Message); 12] = [
    ("FR", m::FRANCE),
    ("BE", m::BELGIUM),
    ("CH", m::SWITZERLAND),
    ("LU", m::LUXEMBOURG),
    ("MC", m::MONACO),
    ("CA", m::CANADA),
    ("GP", m::GUADELOUPE),
    ("MQ", m::MARTINIQUE),
    ("GF", m::FRENCH_GUIANA),
    ("RE", m::REUNION),
    ("YT", m::MAYOTTE),
    ("NC", m::NEW_CALEDONIA),
];

/// What follows where a platform no longer has an object.
const VANISHED: [(&str, Message); 3] = [("follow", m::FOLLOW), ("recreate", m::RECREATE), ("unlink", m::UNLINK)];

/// The settings as they are.
#[get("/settings")]
pub(super) async fn show_settings(
    visit: Visit,
    gateway: web::Data<Gateway>,
    door: web::Data<Door>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let asked = Fields::read(request.query_string().as_bytes());
    let after = After { tokens: asked.given("tokens"), changes: asked.given("changes") };
    let page = Page::of(&visit, &gateway, &door, (None, after)).await?;
    page.frame.show(&page)
}

/// Saves what was typed, or shows it again with what is wrong.
#[post("/settings")]
pub(super) async fn save(
    change: Change,
    visit: Visit,
    gateway: web::Data<Gateway>,
    door: web::Data<Door>,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    match saved(&change, &gateway, &fields).await {
        Err(problem) if form::is_about_form(&problem) => {
            let mut page = Page::of(&visit, &gateway, &door, (Some(fields), After::default())).await?;
            page.form = page.form.refused(&page.frame, &problem).renewed(&problem, page.view.version);
            page.frame.answer(status_of(&problem), &page)
        }
        outcome => lead("/dashboard/settings", outcome, "saved"),
    }
}

/// Sends an alert on trial to whom the saved settings name. What was typed is shown again as it was, and not saved.
#[post("/settings/trial")]
pub(super) async fn try_alerts(
    change: Change,
    visit: Visit,
    gateway: web::Data<Gateway>,
    door: web::Data<Door>,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    let said = told(settings::tried(&gateway, &change).await, "alert_tried")?;
    let visit = visit.at("/dashboard/settings");
    let mut page = Page::of(&visit, &gateway, &door, (Some(fields), After::default())).await?;
    page.said = said;
    page.frame.show(&page)
}

async fn saved(change: &Change, gateway: &Gateway, fields: &Fields) -> Result<(), Problem> {
    let seen = fields.get(form::VERSION).parse().map_err(|_no_number| Refusal::at("version", "must be a number"))?;
    let mut tx = gateway.database.begin(Scope::Tenant(change.tenant_id)).await?;
    let view = settings::shown(&mut tx, change.tenant_id).await?;
    tx.commit().await?;
    let wish = body::parse(wish(fields, &view).to_string().as_bytes())?;
    settings::replaced(gateway, change, seen, wish).await.map(|_view| ())
}

/// What the API would be sent by a program; what the page does not show stays as it is.
fn wish(fields: &Fields, view: &View) -> Value {
    // What is no number is told beside its field, as any number that will not do.
    let days = fields.given("retention_days").map(|days| days.parse::<u16>().unwrap_or(0));
    json!({
        "language": fields.get("language"),
        "time_zone": fields.get("time_zone").trim(),
        "region": fields.get("region").trim().to_uppercase(),
        "alert_emails": fields.lines("alert_emails"),
        "alert_webhooks": policies::hooks(fields, view),
        "retention_days": days,
        "redaction": {
            "fields": fields.lines("redaction.fields"),
            "patterns": fields.lines("redaction.patterns"),
            "emails": fields.has("redaction.emails"),
            "phones": fields.has("redaction.phones"),
        },
        "conflict_policy": policies::policy(fields, &view.conflict_policy),
    })
}

impl Page {
    /// The page with what was typed, else with what is there, and with what lies behind these places in its lists.
    pub(super) async fn of(
        visit: &Visit,
        gateway: &Gateway,
        door: &Door,
        (typed, after): (Option<Fields>, After<'_>),
    ) -> Result<Self, Problem> {
        let mut tx = gateway.database.begin(Scope::Tenant(visit.tenant_id)).await?;
        let view = settings::shown(&mut tx, visit.tenant_id).await?;
        let changes = changes(&mut tx, visit, after.changes).await?;
        let tokens = Tokens::of(&mut tx, visit, door, after.tokens).await?;
        let frame = visit.frame(&mut tx, Section::Settings, visit.reader.say(frame_words::SETTINGS)).await?;
        let connected = integrations::list(&mut tx, visit.tenant_id).await?;
        tx.commit().await?;
        let (typed, fields) = (typed.is_some(), typed.unwrap_or_else(|| filled(&view)));
        let mut hooks = if typed { Hook::typed(&fields, &view) } else { Hook::kept(&view) };
        if visit.may_change() {
            hooks.push(Hook::default());
        }
        let slugs = connected.iter().map(|integration| integration.platform.to_string());
        let named = |slug: String| {
            let platform = slug.parse().ok().filter(|_| slug != "coccinelle");
            let name = platform.map_or_else(|| visit.reader.say(frame_words::PRODUCT), |it| name_of(&it).to_owned());
            (slug, name)
        };
        Ok(Self {
            frame,
            said: visit.said,
            retention_limit: gateway.retention_days,
            tokens,
            changes: changes.data.into_iter().map(|change| Told::of(change, &connected)).collect(),
            older: changes.next_cursor.map(|cursor| format!("/dashboard/settings?changes={cursor}#audit")),
            is_newest: after.changes.is_none(),
            hooks,
            believed: Believed::all(&fields, &view.conflict_policy),
            systems: policies::systems(slugs, &view.conflict_policy).into_iter().map(named).collect(),
            form: Form::with(fields),
            view,
        })
    }

    /// What is wrong with a webhook.
    fn wrong(&self, at: &usize) -> Option<&str> {
        self.form.error(&format!("alert_webhooks[{at}]"))
    }
}

/// Who changed what; only admins are told.
async fn changes(
    tx: &mut Transaction,
    visit: &Visit,
    after: Option<&str>,
) -> Result<page::Page<audit::Change>, Problem> {
    let wanted = page::of_log(Some(CHANGES), after)?;
    let all = Filter::default();
    let found = if visit.may_change() { audit::list(tx, visit.tenant_id, &all, &wanted).await? } else { Vec::new() };
    Ok(page::Page::of_log(found, &wanted))
}

/// The form as it stands before anybody has typed something.
fn filled(view: &View) -> Fields {
    let days = view.retention_days.map(|days| days.to_string()).unwrap_or_default();
    let version = view.version.to_string();
    let (language, region, redaction) = (word(view.language), word(view.region), &view.redaction);
    let (emails, fields, patterns) =
        (view.alert_emails.join("\n"), redaction.fields.join("\n"), redaction.patterns.join("\n"));
    let mut all = vec![
        (form::VERSION, version.as_str()),
        ("language", language.as_str()),
        ("time_zone", view.time_zone.name()),
        ("region", &region),
        ("alert_emails", &emails),
        ("retention_days", &days),
        ("redaction.fields", &fields),
        ("redaction.patterns", &patterns),
    ];
    all.extend(redaction.emails.then_some(("redaction.emails", "1")));
    all.extend(redaction.phones.then_some(("redaction.phones", "1")));
    Fields::of(&all)
}

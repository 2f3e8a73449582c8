//! The settings of one integration: what it is called, how data flows, its key, and its end.

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, get, post, web};
use askama::Template;
use domain::{id::IntegrationId, kind::RecordKind};
use persistence::Scope;
use persistence::records::links;
use runtime::http::Problem;
use serde_json::{Map, Value};

use super::super::{
    catalogue::kinds,
    connect::{Key, keys_of, status_of},
    consented,
    fields::Fields,
    form::{self, Choice, Form, Offered, deliveries, directions, frequencies, word},
    frame::{Frame, Visit},
    said::lead,
    text::Message,
    text::integration_settings as m,
    text::{
        alerts as alert_words, connect as connect_words, consent as consent_words, form as form_words,
        frame as frame_words, integration as shell_words, webhooks as webhook_words,
    },
};
use super::alerts::{self, Trouble};
use super::{Shell, Tab};
use crate::integrations::WorkflowSecret;
use crate::{body, body::Id, change::Change, integrations, refusal::Refusal, state::Gateway};

/// Objects that are counted at most before something is deleted.
const COUNTED: i64 = 100_000;

#[derive(Template)]
#[template(path = "integration_settings.html")]
struct Page {
    frame: Frame,
    shell: Shell,
    form: Form,
    keys: Vec<Key>,
    needs_url: bool,
    directions: Vec<Choice>,
    frequencies: Vec<Choice>,
    deliveries: Vec<Choice>,
    options: Vec<Offered>,
    audiences: Vec<Choice>,
    troubles: Vec<Trouble>,
    /// The kinds that may have a direction of their own: the field, its name, what is chosen.
    kinds: Vec<(String, Message, String)>,
    in_step: i64,
    /// Whether it is still to be agreed to that the account is disconnected.
    asks_to_disconnect: bool,
    wrong_name: Option<Message>,
    /// What the integration's own workflow knows us by, where it was just asked for.
    workflow_secret: Option<WorkflowSecret>,
}

/// The settings as they are.
#[get("/integrations/{id}/settings")]
pub(super) async fn show_settings(
    visit: Visit,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let page = Page::of(&visit, &gateway, id.0, None).await?;
    page.frame.show(&page)
}

/// Saves what was typed, or shows it again with what is wrong.
#[post("/integrations/{id}/settings")]
pub(super) async fn save(
    change: Change,
    visit: Visit,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    match saved(&change, &gateway, id.0, &fields).await {
        Ok(unkeyed) => {
            let told = format!("{}?said=saved{}", path(id.0), consented::unkeyed(&unkeyed));
            Ok(HttpResponse::SeeOther().insert_header((LOCATION, told)).finish())
        }
        Err(problem) if form::is_about_form(&problem) => {
            let mut page = Page::of(&visit, &gateway, id.0, Some(fields)).await?;
            page.form = page.form.refused(&page.frame, &problem).renewed(&problem, page.shell.view.version);
            page.frame.answer(status_of(&problem), &page)
        }
        refused => lead(&path(id.0), refused, "saved"),
    }
}

/// Shows what the integration's own workflow knows us by.
#[post("/integrations/{id}/settings/workflow-secret")]
pub(super) async fn show_workflow_secret(
    change: Change,
    visit: Visit,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse, Problem> {
    let secret = integrations::workflow_secret(&gateway, &change, id.0).await?;
    let mut page = Page::of(&visit.at(path(id.0)), &gateway, id.0, None).await?;
    page.workflow_secret = Some(secret);
    page.frame.show(&page)
}

/// Disconnects the account and keeps the integration, once it was said what that means.
#[post("/integrations/{id}/disconnect")]
pub(super) async fn disconnect(
    change: Change,
    visit: Visit,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    if fields.has("sure") {
        let home = format!("/dashboard/integrations/{}", id.0);
        return lead(&home, integrations::disconnected(&gateway, &change, id.0).await, "disconnected");
    }
    let mut page = Page::of(&visit.at(path(id.0)), &gateway, id.0, None).await?;
    page.asks_to_disconnect = true;
    page.frame.show(&page)
}

/// Ends the integration, where its name was typed; one that no account was ever connected to has nothing to lose.
#[post("/integrations/{id}/delete")]
pub(super) async fn delete(
    change: Change,
    visit: Visit,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    let mut page = Page::of(&visit.at(path(id.0)), &gateway, id.0, None).await?;
    if page.shell.has_past() && fields.get("confirm").trim() != page.shell.view.name.trim() {
        page.wrong_name = Some(m::WRONG_NAME);
        return page.frame.answer(actix_web::http::StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    integrations::removed(&gateway, &change, id.0, None).await?;
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, "/dashboard/integrations?said=deleted")).finish())
}

fn path(id: IntegrationId) -> String {
    format!("/dashboard/integrations/{id}/settings")
}

/// Saves what was typed; returns the kinds for which an account that got a new key has no field for our id.
async fn saved(
    change: &Change,
    gateway: &Gateway,
    id: IntegrationId,
    fields: &Fields,
) -> Result<Vec<RecordKind>, Problem> {
    let seen = fields.get("version").parse().map_err(|_no_number| Refusal::at("version", "must be a number"))?;
    let mut edit = fields.object(&["direction", "frequency", "delivery", "url"]);
    edit.insert("name".to_owned(), fields.get("name").into());
    // Emptied, it goes back to the server's n8n.
    if fields.has("workflow_url") {
        edit.insert("workflow_url".to_owned(), fields.get("workflow_url").into());
    }
    if let Some(chosen) = chosen(gateway, change, id, fields).await? {
        edit.insert("options".to_owned(), chosen);
    }
    if let Some(alerts) = alerts::chosen(fields) {
        edit.insert("alerts".to_owned(), alerts);
    }
    if let Some(kinds) = kind_directions(fields) {
        edit.insert("kind_directions".to_owned(), kinds);
    }
    let credentials: Map<String, Value> = fields.object(&["api_key", "api_secret"]);
    if !credentials.is_empty() {
        edit.insert("credentials".to_owned(), Value::Object(credentials));
    }
    let edit = body::parse(Value::Object(edit).to_string().as_bytes())?;
    integrations::edited(gateway, change, (id, seen), edit).await.map(|view| view.unkeyed)
}

/// What was chosen of the platform's own choices; `None` where the form has none of them.
async fn chosen(
    gateway: &Gateway,
    change: &Change,
    id: IntegrationId,
    fields: &Fields,
) -> Result<Option<Value>, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(change.tenant_id)).await?;
    let integration = integrations::find(&mut tx, change.tenant_id, id).await?;
    tx.commit().await?;
    Ok(form::chosen(integrations::platform_of(&integration.platform)?.connector(), fields))
}

/// The directions of kinds; `None` where the form has none of these fields, so that they stay as they are.
fn kind_directions(fields: &Fields) -> Option<Value> {
    let names = RecordKind::ALL.map(|kind| (kind, format!("kind_directions.{kind}")));
    if !names.iter().any(|(_, name)| fields.has(name)) {
        return None;
    }
    let chosen = names.iter().filter_map(|(kind, name)| Some((word(kind), fields.given(name)?.into())));
    Some(Value::Object(chosen.collect()))
}

/// A time between two looks, in the largest unit that it is whole in.
fn span(seconds: &u64) -> String {
    match seconds {
        seconds if seconds % 3_600 == 0 => format!("{}\u{202f}h", seconds / 3_600),
        seconds if seconds % 60 == 0 => format!("{}\u{202f}min", seconds / 60),
        seconds => format!("{seconds}\u{202f}s"),
    }
}

impl Page {
    /// The page with what was typed, else with what is there.
    async fn of(visit: &Visit, gateway: &Gateway, id: IntegrationId, typed: Option<Fields>) -> Result<Self, Problem> {
        let mut tx = gateway.database.begin(Scope::Tenant(visit.tenant_id)).await?;
        let (shell, frame) = Shell::of(visit, gateway, &mut tx, id, Tab::Settings).await?;
        let in_step = links::in_step(&mut tx, (visit.tenant_id, id), COUNTED).await?;
        tx.commit().await?;
        let view = &shell.view;
        let fields = typed.unwrap_or_else(|| {
            let names: Vec<String> = view.options.keys().map(|name| format!("options.{name}")).collect();
            let (version, alerts) = (view.version.to_string(), alerts::filled(&view.alerts));
            let (direction, frequency, delivery) = (word(view.direction), word(view.frequency), word(view.delivery));
            let mut all = vec![
                (form::VERSION, version.as_str()),
                ("name", view.name.as_str()),
                ("url", view.url.as_deref().unwrap_or_default()),
                ("direction", &direction),
                ("frequency", &frequency),
                ("delivery", &delivery),
                ("workflow_url", view.workflow_url.as_deref().unwrap_or_default()),
            ];
            all.extend(alerts.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            all.extend(names.iter().zip(view.options.values()).map(|(name, value)| (name.as_str(), value.as_str())));
            Fields::of(&all)
        });
        let form = Form::with(fields);
        let kind = |kind: &RecordKind| {
            let field = format!("kind_directions.{kind}");
            let known = || view.kind_directions.get(kind).map(word).unwrap_or_default();
            let chosen = if form.has(&field) { form.value(&field).to_owned() } else { known() };
            (field, kinds(*kind), chosen)
        };
        let connector = integrations::platform_of(&view.platform)?.connector();
        let by_n8n = gateway.has_n8n() && connector.proxy().is_some();
        Ok(Self {
            keys: keys_of(connector.descriptor()),
            needs_url: connector.descriptor().needs_url,
            directions: directions(form.value("direction")),
            frequencies: frequencies(form.value("frequency")),
            deliveries: deliveries(form.value("delivery"), by_n8n),
            options: form::options(connector, &form),
            audiences: form::audiences(form.value("alerts.to")),
            troubles: alerts::troubles(&form),
            kinds: connector.descriptor().kinds.iter().map(kind).collect(),
            in_step,
            asks_to_disconnect: false,
            wrong_name: None,
            workflow_secret: None,
            form,
            shell,
            frame,
        })
    }
}

//! The page on which an account is connected: by the platform's consent, or by a key that is tried as the form is sent.

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, ResponseError as _, get, post, web};
use askama::Template;
use connectors::connector::Connector;
use connectors::descriptor::{CredentialField, Descriptor, SiteField, Words};
use connectors::registry::Platform;
use domain::platform::PlatformSlug;
use domain::run::Mode;
use persistence::Scope;
use runtime::http::Problem;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    consent, consented,
    fields::Fields,
    form::{self, Choice, Form, Offered, deliveries, directions, frequencies},
    frame::{Frame, Section, Visit},
    mark::Mark,
    rights::Right,
    text::{Message, connect as m, consent as consent_words, form as form_words, frame as frame_words, hints, say},
};
use crate::{
    change::Change,
    integrations,
    refusal::Refusal,
    state::Gateway,
    {body, runs},
};

/// Which platform.
#[derive(Debug, Deserialize)]
struct Wanted {
    #[serde(default)]
    platform: String,
    /// `key`, where a key is preferred to a consent.
    #[serde(default)]
    by: String,
}

#[derive(Template)]
#[template(path = "connect.html")]
struct Page {
    frame: Frame,
    form: Form,
    descriptor: &'static Descriptor,
    mark: Mark,
    keys: Vec<Key>,
    steps: &'static [Message],
    directions: Vec<Choice>,
    frequencies: Vec<Choice>,
    deliveries: Vec<Choice>,
    options: Vec<Offered>,
    way: Way,
    site: Option<Site>,
    is_offered: bool,
}

/// How an account is connected by this form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// By a consent on the platform's page.
    Consent,
    /// By a key.
    Key,
    /// Not at all: the operator has not set our app up.
    None,
}

/// The field for the place where an account is.
#[derive(Debug)]
struct Site {
    label: String,
    hint: String,
    required: bool,
}

/// A field for a part of the key.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) path: String,
    pub(super) label: Message,
    hint: &'static str,
}

/// The fields in which the parts of a platform's key are typed.
pub(super) fn keys_of(descriptor: &'static Descriptor) -> Vec<Key> {
    descriptor.key_fields().unwrap_or_default().iter().map(Key::from).collect()
}

impl From<&'static CredentialField> for Key {
    fn from(field: &'static CredentialField) -> Self {
        let label = if field.name == "api_secret" { form_words::API_SECRET } else { form_words::API_KEY };
        Self { name: field.name, path: format!("credentials.{}", field.name), label, hint: field.hint }
    }
}

impl Site {
    /// What a platform asks for before the consent, in the reader's language.
    fn of(frame: &Frame, descriptor: &Descriptor) -> Option<Self> {
        let SiteField { label, hint, required } = descriptor.terms()?.site?;
        let told = |words: Words| frame.say(say(words.fr, words.en));
        Some(Self { label: told(label), hint: told(hint), required })
    }
}

/// The form for a platform.
#[get("/integrations/new")]
pub(super) async fn show_form(
    visit: Visit,
    gateway: web::Data<Gateway>,
    wanted: web::Query<Wanted>,
) -> Result<HttpResponse, Problem> {
    if !visit.may_change() {
        return Err(Refusal::WrongRole.into());
    }
    let connector = connector(&wanted.platform)?;
    let name = connector.descriptor().name;
    let start = Fields::of(&[("name", name), ("start", "1"), ("by", &wanted.by)]);
    let frame = frame(&visit, &gateway, name).await?;
    let page = Page::of(frame, &gateway, connector, Form::with(start));
    page.frame.show(&page)
}

/// Connects the account, and begins its first sync where that is wished for.
#[post("/integrations/new")]
pub(super) async fn connect(
    change: Change,
    visit: Visit,
    gateway: web::Data<Gateway>,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    connector(fields.get("platform"))?;
    let visit = visit.at(address_of(&fields));
    match connected(&change, &gateway, &fields).await {
        Ok(path) => Ok(HttpResponse::SeeOther().insert_header((LOCATION, path)).finish()),
        Err(problem) if form::is_about_form(&problem) => refused(&visit, &gateway, fields, &problem).await,
        Err(problem) => Err(problem),
    }
}

/// Where the form is, as it was opened.
pub(super) fn address_of(fields: &Fields) -> String {
    format!("/dashboard/integrations/new?{}", fields.query(&["platform", "by"]))
}

/// The form once more, with what is wrong.
pub(super) async fn refused(
    visit: &Visit,
    gateway: &Gateway,
    fields: Fields,
    problem: &Problem,
) -> Result<HttpResponse, Problem> {
    let connector = connector(fields.get("platform"))?;
    let frame = frame(visit, gateway, connector.descriptor().name).await?;
    let form = Form::with(fields).refused(&frame, problem);
    let page = Page::of(frame, gateway, connector, form);
    page.frame.answer(status_of(problem), &page)
}

/// Connects the account; returns where to go on.
async fn connected(change: &Change, gateway: &Gateway, fields: &Fields) -> Result<String, Problem> {
    let wish = body::parse(&wish(fields, true))?;
    let view = integrations::connected(gateway, change, wish).await?;
    let home = format!("/dashboard/integrations/{}", view.id);
    let unkeyed = consented::unkeyed(&view.unkeyed);
    if !fields.has("start") {
        return Ok(format!("{home}?said=saved{unkeyed}"));
    }
    integrations::switch(change, view.id, gateway, true).await?;
    // The account is connected all the same.
    let begun = runs::begun(gateway, change, view.id, runs::Wish::of(Mode::Full)).await;
    if let Err(problem) = &begun {
        tracing::warn!(integration.id = %view.id, error = %problem, "the first sync was not begun");
    }
    let said = if begun.is_ok() { "created" } else { "not_begun" };
    Ok(format!("{home}?said={said}{unkeyed}"))
}

/// What the API would be sent by a program.
pub(super) fn wish(fields: &Fields, by_key: bool) -> Vec<u8> {
    let mut wish = fields.object(&["platform", "url", "direction", "frequency", "delivery", "workflow_url"]);
    wish.insert("name".to_owned(), fields.get("name").into());
    let chosen = connector(fields.get("platform")).ok().and_then(|connector| form::chosen(connector, fields));
    wish.extend(chosen.map(|chosen| ("options".to_owned(), chosen)));
    if by_key {
        let mut credentials = fields.object(&["api_secret"]);
        credentials.insert("api_key".to_owned(), fields.get("api_key").trim().into());
        wish.insert("credentials".to_owned(), Value::Object(credentials));
    }
    json!(wish).to_string().into_bytes()
}

/// A form that is shown again is an answer of its own kind, whatever was wrong.
pub(super) fn status_of(problem: &Problem) -> StatusCode {
    match problem.status_code() {
        StatusCode::BAD_REQUEST => StatusCode::UNPROCESSABLE_ENTITY,
        status => status,
    }
}

fn connector(slug: &str) -> Result<&'static dyn Connector, Problem> {
    let slug: Option<PlatformSlug> = slug.parse().ok();
    let platform = slug.and_then(|slug| Platform::from_slug(&slug)).ok_or_else(Problem::not_found)?;
    Ok(platform.connector())
}

async fn frame(visit: &Visit, gateway: &Gateway, name: &str) -> Result<Frame, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(visit.tenant_id)).await?;
    let title = visit.reader.fill(m::TITLE, name);
    let frame = visit.frame(&mut tx, Section::Integrations, title).await?;
    tx.commit().await?;
    Ok(frame)
}

impl Page {
    /// What a consent asks for.
    fn rights(&self) -> Vec<Right> {
        self.descriptor.terms().map(Right::needed).unwrap_or_default()
    }

    fn of(frame: Frame, gateway: &Gateway, connector: &'static dyn Connector, form: Form) -> Self {
        let descriptor = connector.descriptor();
        let by_n8n = gateway.has_n8n() && connector.proxy().is_some();
        let is_offered = descriptor.slug.parse().is_ok_and(|slug| consent::is_offered(gateway, &slug));
        let way = match (is_offered, descriptor.key_fields()) {
            (true, None) => Way::Consent,
            (true, Some(_)) if form.value("by") != "key" => Way::Consent,
            (_, Some(_)) => Way::Key,
            (false, None) => Way::None,
        };
        Self {
            way,
            site: Site::of(&frame, descriptor),
            is_offered,
            mark: Mark::of(descriptor.name),
            keys: keys_of(descriptor),
            steps: hints::steps(descriptor.slug),
            directions: directions(form.value("direction")),
            frequencies: frequencies(form.value("frequency")),
            deliveries: deliveries(form.value("delivery"), by_n8n),
            options: form::options(connector, &form),
            frame,
            form,
            descriptor,
        }
    }
}

//! The mapping editor: our fields beside the platform's, what a change would do to a real record and to how many, and only then
//! saving it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, get, post, web};
use askama::Template;
use domain::field::FieldValue;
use domain::id::{IntegrationId, TenantId};
use domain::kind::RecordKind;
use domain::schema;
use persistence::Scope;
use runtime::http::Problem;
use serde_json::{Value, json};

use super::super::{
    catalogue::kinds,
    connect::status_of,
    fields::Fields,
    form::{self, Form, word},
    frame::{Frame, Visit},
    said::lead,
    text::{Message, consent as consent_words, faults, form as form_words, frame as frame_words},
    text::{integration as shell_words, mapping as m, our_fields},
};
use super::mapping_rows::Row;
use super::{Shell, Tab};
use crate::mappings::{self, Described, Preview};
use crate::{body, body::Id, change::Change, integrations, records, refusal::Refusal, state::Gateway};

/// Empty rows below the others.
const BLANK: usize = 2;

#[derive(Template)]
#[template(path = "mapping.html")]
struct Page {
    frame: Frame,
    shell: Shell,
    form: Form,
    kind: RecordKind,
    kinds: Vec<(String, String, bool)>,
    version: i64,
    rows: Vec<Row>,
    ours: Vec<(&'static str, String)>,
    theirs: Option<std::sync::Arc<Described>>,
    sample: String,
    preview: Option<Preview>,
    /// The draft that the preview is of.
    previewed: String,
}

/// The ways in which a field may travel.
const DIRECTIONS: [(&str, Message); 3] = [
    ("bidirectional", form_words::BOTH_WAYS),
    ("to_platform", form_words::TO_PLATFORM),
    ("from_platform", form_words::FROM_PLATFORM),
];

/// The transforms, and what each needs besides.
const TRANSFORMS: [(&str, Message); 12] = [
    ("none", m::AS_IT_IS),
    ("text", m::TEXT),
    ("e164", m::E164),
    ("value_map", m::VALUE_MAP),
    ("date", m::DATE),
    ("join", m::JOIN),
    ("split", m::SPLIT),
    ("template", m::TEMPLATE),
    ("constant", m::CONSTANT),
    ("number_text", m::NUMBER_TEXT),
    ("seconds_to_millis", m::SECONDS_TO_MILLIS),
    ("epoch_millis", m::EPOCH_MILLIS),
];

/// The mapping as it is.
#[get("/integrations/{id}/fields")]
pub(super) async fn show_mapping(
    visit: Visit,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let fields = Fields::read(request.query_string().as_bytes());
    let page = Page::of(&visit, &gateway, id.0, &fields).await?;
    page.frame.show(&page)
}

/// Shows what the draft would do, and saves it where that was seen.
#[post("/integrations/{id}/fields")]
pub(super) async fn save(
    change: Change,
    visit: Visit,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    let mut page = Page::of(&visit, &gateway, id.0, &fields).await?;
    page.rows = Row::typed(&fields);
    // That which the draft began with: what somebody else has saved since is not in it, and is not to be written over unseen.
    let seen = fields.get("version").parse().map_err(|_no_number| Refusal::at("version", "must be a number"))?;
    let newest = std::mem::replace(&mut page.version, seen);
    let draft = page.draft();
    // As text, as the page has kept it: a list of fields is equal to no string.
    let written = draft.to_string();
    if fields.has("save") && fields.get("previewed") == written {
        let path = format!("{}?kind={}", page.shell.path(Tab::Mapping), page.kind);
        return match saved(&change, &gateway, (id.0, page.kind), (seen, &draft)).await {
            Err(problem) if form::is_about_form(&problem) => {
                if problem.status_code() == StatusCode::PRECONDITION_FAILED {
                    page.version = newest;
                }
                page.refused(&problem)
            }
            outcome => lead(&path, outcome, "mapped"),
        };
    }
    page.tried(&gateway, change.tenant_id).await
}

/// Shows what the mapping that a new integration begins with would do; it is saved as any other is.
#[post("/integrations/{id}/fields/reset")]
pub(super) async fn reset(
    change: Change,
    visit: Visit,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    let visit = visit.at(format!("/dashboard/integrations/{}/fields?{}", id.0, fields.query(&["kind"])));
    let mut page = Page::of(&visit, &gateway, id.0, &fields).await?;
    let connector = integrations::platform_of(&page.shell.view.platform)?.connector();
    page.rows = connector.default_mapping(page.kind).fields.iter().map(Row::of).collect();
    page.tried(&gateway, change.tenant_id).await
}

/// Asks the platform which fields the account has.
#[post("/integrations/{id}/fields/refresh")]
pub(super) async fn refresh(
    change: Change,
    visit: Visit,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    let page = Page::of(&visit, &gateway, id.0, &fields).await?;
    let path = format!("{}?kind={}", page.shell.path(Tab::Mapping), page.kind);
    lead(&path, mappings::described(&gateway, (change.tenant_id, id.0), page.kind).await, "fields_read")
}

async fn saved(
    change: &Change,
    gateway: &Gateway,
    of: (IntegrationId, RecordKind),
    (seen, draft): (i64, &Value),
) -> Result<(), Problem> {
    let wish = body::parse(json!({ "fields": draft }).to_string().as_bytes())?;
    mappings::replaced(gateway, change, of, (seen, wish)).await.map(|_view| ())
}

impl Page {
    async fn of(visit: &Visit, gateway: &Gateway, id: IntegrationId, fields: &Fields) -> Result<Self, Problem> {
        let tenant = visit.tenant_id;
        let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
        let (shell, frame) = Shell::of(visit, gateway, &mut tx, id, Tab::Mapping).await?;
        let held = integrations::platform_of(&shell.view.platform)?.connector().descriptor().kinds;
        let wanted = held.iter().find(|kind| word(kind) == fields.get("kind")).or(held.first());
        let kind = wanted.copied().unwrap_or(RecordKind::Contact);
        let (integration, mapping) = mappings::mapped(&mut tx, tenant, (id, kind)).await?;
        let newest = records::Search { kind: Some(kind), q: None, cursor: None, limit: Some(1) };
        let newest = records::found(&mut tx, tenant, newest).await?.data.into_iter().next();
        tx.commit().await?;
        let newest = newest.map(|listed| listed.record.id.to_string()).unwrap_or_default();
        Ok(Self {
            kinds: held.iter().map(|of| (word(of), frame.say(kinds(*of)), *of == kind)).collect(),
            version: mapping.version,
            rows: mapping.fields.iter().map(Row::of).collect(),
            ours: ours(kind, &frame),
            theirs: gateway.descriptions.kept(&integration, kind).await,
            sample: fields.given("sample").map_or(newest, str::to_owned),
            preview: None,
            previewed: String::new(),
            form: Form::default(),
            kind,
            shell,
            frame,
        })
    }

    /// The rows as the API takes them.
    fn draft(&self) -> Value {
        json!(self.rows.iter().map(|row| row.to_json(self.kind)).collect::<Vec<_>>())
    }

    /// The page with what its rows would do.
    async fn tried(mut self, gateway: &Gateway, tenant: TenantId) -> Result<HttpResponse, Problem> {
        let draft = self.draft();
        self.previewed = draft.to_string();
        let wish = json!({ "kind": self.kind, "fields": draft });
        let (object, record) = self.sampled();
        let previewed = match body::parse(wish.to_string().as_bytes()) {
            Ok(wish) => mappings::previewed(gateway, (tenant, self.shell.view.id), wish, (record, object)).await,
            Err(refusal) => Err(refusal.into()),
        };
        match previewed {
            Ok(preview) => {
                self.preview = Some(preview);
                self.frame.show(&self)
            }
            Err(problem) if form::is_about_form(&problem) => self.refused(&problem),
            Err(problem) => Err(problem),
        }
    }

    /// By what the record is found on which the draft is shown: the platform's id of it, or ours.
    fn sampled(&self) -> (Option<String>, Option<domain::id::RecordId>) {
        match self.sample.parse() {
            Ok(record) => (None, Some(record)),
            Err(_) => (Some(self.sample.clone()).filter(|id| !id.is_empty()), None),
        }
    }

    /// The page once more, with what is wrong beside each row.
    fn refused(mut self, problem: &Problem) -> Result<HttpResponse, Problem> {
        let status = if problem.errors().is_empty() { problem.status_code() } else { StatusCode::UNPROCESSABLE_ENTITY };
        self.form = self.form.refused(&self.frame, problem);
        self.previewed = String::new();
        let status = if status.is_success() { status_of(problem) } else { status };
        self.frame.answer(status, &self)
    }

    /// The rows, and empty ones to be filled.
    fn all_rows(&self) -> Vec<(usize, Row)> {
        let blank = std::iter::repeat_with(Row::default).take(if self.frame.may_change { BLANK } else { 0 });
        self.rows.iter().cloned().chain(blank).enumerate().collect()
    }

    /// What is wrong with a row, or with anything in it.
    fn wrong(&self, at: &usize) -> Option<&str> {
        self.form.error(&format!("fields[{at}]"))
    }

    /// What is wrong with the id of the record that the draft is shown on, whoever's id it is.
    fn wrong_sample(&self) -> Option<&str> {
        self.form.error("record_id").or_else(|| self.form.error("external_id"))
    }

    /// What the platform says of a field.
    fn about(&self, remote: &str) -> Option<String> {
        let described = self.theirs.as_ref()?;
        let field = described.fields.iter().find(|field| field.name == remote)?;
        Some(if field.custom { format!("{} ★", field.label) } else { field.label.clone() })
    }

    fn note(&self, note: &str) -> String {
        faults::said(self.frame.language, note)
    }
}

/// Our fields of a kind, and what they are called.
pub(super) fn ours(kind: RecordKind, frame: &Frame) -> Vec<(&'static str, String)> {
    let name = |name: &'static str| {
        let label = our_fields::label(kind, name).map_or_else(|| name.to_owned(), |label| frame.say(label));
        (name, label)
    };
    schema::fields_of(kind).iter().map(|spec| name(spec.name)).chain([name("contact")]).collect()
}

pub(super) fn shown(value: Option<&FieldValue>) -> String {
    value.map_or_else(|| "–".to_owned(), FieldValue::to_plain_text)
}

pub(super) fn count_of(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

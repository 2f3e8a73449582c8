//! The tokens of a tenant's programs, on the page of its settings: the list, the form of a new one, and a new one itself, once.

use actix_web::{HttpResponse, get, post, web};
use domain::access::Role;
use domain::id::TokenId;
use domain::time::Timestamp;
use persistence::Transaction;
use persistence::tokens::{self, ApiToken};
use runtime::http::Problem;
use serde_json::json;

use super::connect::status_of;
use super::fields::Fields;
use super::form::{self, Form};
use super::frame::Visit;
use super::said::lead;
use super::settings::{After, Page};
use super::text::{Message, tokens as m};
use crate::tokens::{self as api, DAYS_LIMIT, Made};
use crate::{body, body::Id, change::Change, door::Door, page, state::Gateway};

/// The page that they are on.
const HERE: &str = "/dashboard/settings";

/// What a bearer may do.
const ROLES: [(Role, &str, Message, Message); 3] = [
    (Role::Service, "service", m::SERVICE, m::SERVICE_HELP),
    (Role::Viewer, "viewer", m::VIEWER, m::VIEWER_HELP),
    (Role::Admin, "admin", m::ADMIN, m::ADMIN_HELP),
];

/// What the page shows of them.
pub(super) struct Tokens {
    pub(super) listed: Vec<ApiToken>,
    /// The page with those that were made before.
    pub(super) older: Option<String>,
    pub(super) is_newest: bool,
    pub(super) form: Form,
    /// One that was just made.
    pub(super) made: Option<Made>,
    /// Whether tokens are made here at all.
    pub(super) are_made_here: bool,
    pub(super) days_limit: u16,
    now: Timestamp,
}

impl Tokens {
    /// Those behind `cursor`, for who may see them.
    pub(super) async fn of(
        tx: &mut Transaction,
        visit: &Visit,
        door: &Door,
        cursor: Option<&str>,
    ) -> Result<Self, Problem> {
        let wanted = page::of_log(None, cursor)?;
        let found = if visit.may_change() { tokens::list(tx, visit.tenant_id, &wanted).await? } else { Vec::new() };
        let found = page::Page::of_log(found, &wanted);
        Ok(Self {
            listed: found.data,
            older: found.next_cursor.map(|cursor| format!("{HERE}?tokens={cursor}#tokens")),
            is_newest: cursor.is_none(),
            form: Form::with(Fields::of(&[("role", "service"), ("days", "90")])),
            made: None,
            are_made_here: door.signer.is_some(),
            days_limit: DAYS_LIMIT,
            now: Timestamp::now(),
        })
    }

    /// The choices of a new one's role.
    pub(super) fn roles(&self) -> Vec<(&'static str, Message, Message, bool)> {
        let chosen = self.form.value("role");
        ROLES.into_iter().map(|(_, word, name, help)| (word, name, help, word == chosen)).collect()
    }

    /// What the bearer of a token may do.
    pub(super) fn role(&self, token: &ApiToken) -> Message {
        ROLES.into_iter().find(|(role, ..)| *role == token.role).map_or(m::SERVICE, |(_, _, name, _)| name)
    }

    /// Whether a token lets its bearer in.
    pub(super) fn holds(&self, token: &ApiToken) -> bool {
        token.revoked_at.is_none() && token.expires_at > self.now
    }
}

/// Makes a token and shows it this once, or shows what was typed again with what is wrong.
#[post("/settings/tokens")]
pub(super) async fn make(
    change: Change,
    visit: Visit,
    gateway: web::Data<Gateway>,
    door: web::Data<Door>,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    let outcome = made(&change, &gateway, &door, &fields).await;
    let mut page = Page::of(&visit.at(HERE), &gateway, &door, (None, After::default())).await?;
    match outcome {
        Ok(made) => {
            page.tokens.made = Some(made);
            page.frame.show(&page)
        }
        Err(problem) if form::is_about_form(&problem) => {
            page.tokens.form = Form::with(fields).refused(&page.frame, &problem);
            page.frame.answer(status_of(&problem), &page)
        }
        Err(problem) => Err(problem),
    }
}

async fn made(change: &Change, gateway: &Gateway, door: &Door, fields: &Fields) -> Result<Made, Problem> {
    // What is no number is told beside its field, as any number that will not do.
    let days = fields.get("days").trim().parse::<u16>().unwrap_or(0);
    let wish = json!({ "name": fields.get("name").trim(), "role": fields.get("role"), "days": days });
    api::made(gateway, door, change, body::parse(wish.to_string().as_bytes())?).await
}

/// Where a browser comes to that asks for the page behind the form: to the page that holds the form.
#[get("/settings/tokens")]
pub(super) async fn lead_back() -> web::Redirect {
    web::Redirect::to("/dashboard/settings#tokens").see_other()
}

/// Revokes a token.
#[post("/settings/tokens/{id}/revoke")]
pub(super) async fn revoke(
    change: Change,
    id: Id<TokenId>,
    gateway: web::Data<Gateway>,
    door: web::Data<Door>,
) -> Result<HttpResponse, Problem> {
    lead(HERE, api::revoked(&gateway, &door, &change, id.0).await, "token_revoked")
}

//! What can be connected: the descriptors of the connectors, as data for forms.

use std::collections::HashMap;

use actix_web::{HttpResponse, get, web};
use connectors::connector::Connector;
use connectors::descriptor::{AuthScheme, Category, CredentialField, Descriptor, OptionChoice, OptionField, SiteField};
use connectors::registry;
use domain::id::IntegrationId;
use domain::kind::RecordKind;
use persistence::{Scope, integrations};
use runtime::http::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Viewer;
use crate::body::QueryParams;
use crate::page::List;
use crate::refusal::Refusal;
use crate::state::Gateway;

/// A platform that can be connected.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Platform {
    /// Its name in paths and requests.
    #[schema(example = "hubspot")]
    platform: &'static str,
    /// Its name for people.
    #[schema(example = "HubSpot")]
    name: &'static str,
    /// What it is for: `crm`, `ecommerce`, `support` or `marketing`.
    #[schema(example = "crm")]
    category: &'static str,
    /// The ways in which it can be connected, the one to prefer first.
    auth: Vec<Auth>,
    /// Whether the whole address of the shop or instance must be given, as `url`.
    needs_url: bool,
    /// The kinds of record that it holds.
    kinds: &'static [RecordKind],
    /// The choices that there are, each under its name in `options`.
    options: Vec<Choice>,
    /// How much it takes.
    limits: Limits,
    /// Where its interface is documented.
    #[schema(example = "https://developers.hubspot.com/docs/api")]
    docs_url: &'static str,
    /// The tenant's integrations with it.
    configured: Vec<IntegrationId>,
}

/// How a platform is connected.
#[derive(Debug, Serialize, ToSchema)]
struct Auth {
    /// `api_key` or `oauth2`.
    #[schema(example = "api_key")]
    scheme: &'static str,
    /// What the form asks for, where a key is given.
    fields: Vec<Field>,
    /// What is asked for on the platform's page, where a grant is given.
    scopes: &'static [&'static str],
    /// What must be known before that page is shown, as `url`; `null` where that is nothing.
    site: Option<Site>,
}

/// The name of the tenant's own site at a platform.
#[derive(Debug, Serialize, ToSchema)]
struct Site {
    /// Its name for people.
    label: &'static str,
    /// Where it is found, and of what form it is.
    hint: &'static str,
    /// Whether there is no going on without it.
    required: bool,
}

/// One field of the form in which credentials are given.
#[derive(Debug, Serialize, ToSchema)]
struct Field {
    /// Its name in `credentials`.
    #[schema(example = "api_key")]
    name: &'static str,
    /// Its name for people.
    label: &'static str,
    /// Where it is found on the platform.
    hint: &'static str,
}

/// A choice that a tenant has at a platform.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlatformOption)]
struct Choice {
    /// Its name in `options`.
    #[schema(example = "people")]
    name: &'static str,
    /// Its name for people.
    label: Words,
    /// What can be chosen, the usual first.
    choices: Vec<Answer>,
    /// Whether it is fixed once records are in step.
    fixed: bool,
}

/// One of the things that can be chosen.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlatformOptionChoice)]
struct Answer {
    /// What stands in `options`.
    #[schema(example = "lead")]
    value: &'static str,
    /// Its name for people.
    label: Words,
    /// What it leads to.
    help: Words,
}

/// A text for people.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Words)]
struct Words {
    /// In French.
    fr: &'static str,
    /// In English.
    en: &'static str,
}

/// How much a platform takes from one account.
#[derive(Debug, Serialize, ToSchema)]
struct Limits {
    /// So many requests …
    requests: u32,
    /// … in so many milliseconds.
    per_ms: u64,
    /// Items in one request.
    batch: usize,
}

/// Which platforms.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// `crm`, `ecommerce`, `support` or `marketing`.
    #[param(example = "crm")]
    category: Option<String>,
    /// Those that hold this kind of record.
    kind: Option<RecordKind>,
    /// `api_key` or `oauth2`.
    #[param(example = "oauth2")]
    auth: Option<String>,
}

/// Lists the platforms that can be connected, and which of them are already.
#[utoipa::path(tag = "integrations", security(("bearer" = ["viewer", "admin"])), params(Wanted),
    responses((status = 200, body = List<Platform>, description = "The catalogue.")))]
#[get("/integrations")]
pub(crate) async fn list_catalogue(
    caller: Viewer,
    gateway: web::Data<Gateway>,
    wanted: QueryParams<Wanted>,
) -> Result<HttpResponse, Problem> {
    wanted.0.check()?;
    let mut tx = gateway.database.begin(Scope::Tenant(caller.tenant_id)).await?;
    let mut configured: HashMap<String, Vec<IntegrationId>> = HashMap::new();
    for integration in integrations::list(&mut tx, caller.tenant_id).await? {
        configured.entry(integration.platform.to_string()).or_default().push(integration.id);
    }
    tx.commit().await?;
    let all = registry::all().iter().map(|platform| platform.connector());
    let data = all.filter(|connector| wanted.0.takes(connector.descriptor()));
    let configured = |slug| configured.remove(slug).unwrap_or_default();
    let data = data.map({
        let mut configured = configured;
        move |connector| Platform::of(connector, configured(connector.descriptor().slug))
    });
    let data = data.collect();
    Ok(HttpResponse::Ok().json(List { data }))
}

impl Wanted {
    /// What no platform could ever be is a mistake, and not an empty catalogue.
    fn check(&self) -> Result<(), Refusal> {
        let categories = Category::ALL.map(Category::as_str);
        among("category", self.category.as_deref(), &categories)?;
        among("auth", self.auth.as_deref(), &AuthScheme::NAMES)
    }

    fn takes(&self, descriptor: &Descriptor) -> bool {
        self.category.as_deref().is_none_or(|category| category == descriptor.category.as_str())
            && self.auth.as_deref().is_none_or(|auth| descriptor.auth.iter().any(|scheme| scheme.as_str() == auth))
            && self.kind.is_none_or(|kind| descriptor.kinds.contains(&kind))
    }
}

fn among(path: &str, said: Option<&str>, known: &[&str]) -> Result<(), Refusal> {
    let is_known = said.is_none_or(|said| known.contains(&said));
    let names = || known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if is_known { Ok(()) } else { Err(Refusal::at(path, format!("must be one of {}", names()))) }
}

impl Platform {
    fn of(connector: &dyn Connector, configured: Vec<IntegrationId>) -> Self {
        let descriptor = connector.descriptor();
        Self {
            options: connector.options().iter().map(Choice::of).collect(),
            platform: descriptor.slug,
            name: descriptor.name,
            category: descriptor.category.as_str(),
            auth: descriptor.auth.iter().map(Auth::of).collect(),
            needs_url: descriptor.needs_url,
            kinds: descriptor.kinds,
            limits: Limits {
                requests: descriptor.limits.requests,
                per_ms: u64::try_from(descriptor.limits.per.as_millis()).unwrap_or(u64::MAX),
                batch: descriptor.limits.batch,
            },
            docs_url: descriptor.docs_url,
            configured,
        }
    }
}

impl Choice {
    fn of(option: &OptionField) -> Self {
        let answer = |choice: &OptionChoice| Answer {
            value: choice.value,
            label: Words::of(choice.label),
            help: Words::of(choice.help),
        };
        Self {
            name: option.name,
            label: Words::of(option.label),
            choices: option.choices.iter().map(answer).collect(),
            fixed: option.fixed_by.is_some(),
        }
    }
}

impl Words {
    fn of(words: connectors::descriptor::Words) -> Self {
        Self { fr: words.fr, en: words.en }
    }
}

impl Auth {
    fn of(way: &AuthScheme) -> Self {
        let scheme = way.as_str();
        match way {
            AuthScheme::ApiKey { fields, .. } => {
                Self { scheme, fields: fields.iter().map(Field::of).collect(), scopes: &[], site: None }
            }
            AuthScheme::OAuth2(terms) => {
                let site = terms.site;
                let site =
                    site.map(|SiteField { label, hint, required }| Site { label: label.en, hint: hint.en, required });
                Self { scheme, fields: Vec::new(), scopes: terms.scopes, site }
            }
        }
    }
}

impl Field {
    fn of(field: &CredentialField) -> Self {
        Self { name: field.name, label: field.label, hint: field.hint }
    }
}

//! The page of all integrations: what is connected and how it is, what can be connected, what is to come.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, get, web};
use askama::Template;
use connectors::descriptor::{Category, Descriptor};
use connectors::registry;
use domain::kind::RecordKind;
use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use persistence::Scope;
use persistence::stats::{self, Glance};
use runtime::http::Problem;
use serde::Deserialize;

use super::{
    charts,
    consented::Ended,
    failing::Failing,
    frame::{Frame, Section, Visit},
    mark::Mark,
    said::Said,
    status::Standing,
    text::Message,
    text::{catalogue as m, consent as consent_words, frame as frame_words},
};
use crate::integrations::{self, View};
use crate::state::Gateway;

/// A kind of tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shelf {
    Crm,
    Shop,
    Support,
    Marketing,
    Work,
}

/// What cannot be connected yet, by its slug, name and shelf.
const TO_COME: [(&str, &str, Shelf); 6] = [
    ("dynamics", "Microsoft Dynamics", Shelf::Crm),
    ("stripe", "Stripe", Shelf::Shop),
    ("intercom", "Intercom", Shelf::Support),
    ("mailchimp", "Mailchimp", Shelf::Marketing),
    ("google-sheets", "Google Sheets", Shelf::Work),
    ("slack", "Slack", Shelf::Work),
];

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    q: String,
    #[serde(default)]
    category: String,
}

/// A tool that can be connected, or will be.
#[derive(Debug)]
struct Offer {
    slug: &'static str,
    name: &'static str,
    mark: Mark,
    /// What it keeps in step; empty of what is to come.
    kinds: Vec<Message>,
    /// Whether it can be connected already.
    is_here: bool,
    is_connected: bool,
}

/// A part of the catalogue.
#[derive(Debug)]
struct Aisle {
    title: Message,
    offers: Vec<Offer>,
}

/// What is connected, on a card.
#[derive(Debug)]
pub(super) struct Card {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) platform: &'static str,
    pub(super) mark: Mark,
    pub(super) standing: Standing,
    pub(super) last_sync: Option<Timestamp>,
    pub(super) success: Option<f64>,
    pub(super) errors: i64,
    pub(super) drift: i64,
    /// How many failures stand, where the page says that.
    failing: Failing,
    pub(super) attempts: i64,
    pub(super) spark: String,
}

#[derive(Template)]
#[template(path = "catalogue.html")]
struct Page {
    frame: Frame,
    wanted: Wanted,
    cards: Vec<Card>,
    is_empty: bool,
    aisles: Vec<Aisle>,
    said: Option<Said>,
    ended: Option<Ended>,
}

/// The catalogue, with what is connected on top.
#[get("/integrations")]
pub(super) async fn show_integrations(
    visit: Visit,
    gateway: web::Data<Gateway>,
    wanted: web::Query<Wanted>,
) -> Result<HttpResponse, Problem> {
    let mut tx = gateway.database.begin(Scope::Tenant(visit.tenant_id)).await?;
    let views = integrations::configured(&gateway, &mut tx, visit.tenant_id).await?;
    let mut glances = stats::glance(&mut tx, visit.tenant_id).await?;
    let ids: Vec<_> = views.iter().map(|view| view.id).collect();
    let mut failing = Failing::of(&mut tx, visit.tenant_id, &ids).await?;
    let title = visit.reader.say(frame_words::INTEGRATIONS);
    let frame = visit.frame(&mut tx, Section::Integrations, title).await?;
    tx.commit().await?;
    let wanted = wanted.into_inner();
    let mut connected: BTreeMap<String, usize> = BTreeMap::new();
    for view in &views {
        *connected.entry(view.platform.to_string()).or_default() += 1;
    }
    let is_empty = views.is_empty();
    let cards = views
        .into_iter()
        .filter(|view| wanted.is_among(Shelf::holding(&view.platform)))
        .map(|view| {
            let glance = glances.remove(&view.id.to_string()).unwrap_or_default();
            let failing = failing.remove(&view.id).unwrap_or_default();
            Card { failing, ..Card::of(view, &glance) }
        })
        .filter(|card| wanted.finds(&[&card.name, card.platform]))
        .collect();
    let aisles = Shelf::ALL.into_iter().filter_map(|shelf| wanted.aisle(shelf, &connected)).collect();
    let page = Page { frame, wanted, cards, is_empty, aisles, said: visit.said, ended: visit.consent };
    page.frame.show(&page)
}

impl Wanted {
    fn is_any(&self) -> bool {
        self.q.trim().is_empty() && self.category.is_empty()
    }

    fn finds(&self, texts: &[&str]) -> bool {
        let sought = self.q.trim().to_lowercase();
        texts.iter().any(|text| text.to_lowercase().contains(&sought))
    }

    /// Whether a shelf is looked at; what stands on none is, where all are.
    fn is_among(&self, shelf: Option<Shelf>) -> bool {
        self.category.is_empty() || shelf.is_some_and(|shelf| self.category == shelf.name())
    }

    /// What of a shelf is looked for; `None` where that is nothing.
    fn aisle(&self, shelf: Shelf, connected: &BTreeMap<String, usize>) -> Option<Aisle> {
        if !self.is_among(Some(shelf)) {
            return None;
        }
        let known = || registry::all().iter().map(|platform| platform.connector().descriptor());
        let offered = known().filter(|it| Shelf::of(it.category) == shelf).map(|it| Offer::of(it, connected));
        let to_come = TO_COME.into_iter().filter(|(slug, _, of)| *of == shelf && known().all(|it| it.slug != *slug));
        let to_come = to_come.map(|(slug, name, _)| Offer {
            slug,
            name,
            mark: Mark::of(name),
            kinds: Vec::new(),
            is_here: false,
            is_connected: false,
        });
        let offers: Vec<_> = offered.chain(to_come).filter(|offer| self.finds(&[offer.name])).collect();
        (!offers.is_empty()).then(|| Aisle { title: shelf.title(), offers })
    }
}

impl Shelf {
    const ALL: [Self; 5] = [Self::Crm, Self::Shop, Self::Support, Self::Marketing, Self::Work];

    /// That on which a platform stands; `None` where its connector is gone.
    fn holding(platform: &PlatformSlug) -> Option<Self> {
        let platform = integrations::platform_of(platform).ok()?;
        Some(Self::of(platform.connector().descriptor().category))
    }

    fn of(category: Category) -> Self {
        match category {
            Category::Crm => Self::Crm,
            Category::ECommerce => Self::Shop,
            Category::Support => Self::Support,
            Category::Marketing => Self::Marketing,
        }
    }

    /// Its name in the address.
    fn name(self) -> &'static str {
        match self {
            Self::Crm => "crm",
            Self::Shop => "ecommerce",
            Self::Support => "support",
            Self::Marketing => "marketing",
            Self::Work => "work",
        }
    }

    fn title(self) -> Message {
        match self {
            Self::Crm => m::CRM,
            Self::Shop => m::SHOP,
            Self::Support => m::SUPPORT,
            Self::Marketing => m::MARKETING,
            Self::Work => m::WORK,
        }
    }
}

impl Offer {
    fn of(descriptor: &Descriptor, connected: &BTreeMap<String, usize>) -> Self {
        Self {
            slug: descriptor.slug,
            name: descriptor.name,
            mark: Mark::of(descriptor.name),
            kinds: descriptor.kinds.iter().copied().map(kinds).collect(),
            is_here: true,
            is_connected: connected.contains_key(descriptor.slug),
        }
    }
}

/// What several records of a kind are called.
pub(super) fn kinds(kind: RecordKind) -> Message {
    match kind {
        RecordKind::Contact => m::CONTACTS,
        RecordKind::Deal => m::DEALS,
        RecordKind::Product => m::PRODUCTS,
        RecordKind::Order => m::ORDERS,
        RecordKind::Activity => m::ACTIVITIES,
    }
}

impl Card {
    pub(super) fn of(view: View, glance: &Glance) -> Self {
        let platform = integrations::name_of(&view.platform);
        let (attempts, failed) = (glance.attempts(), glance.failed());
        Self {
            id: view.id.to_string(),
            standing: Standing::of(&view),
            name: view.name,
            platform,
            mark: Mark::of(platform),
            last_sync: view.health.last_sync_at,
            success: (attempts > 0).then(|| charts::share(attempts - failed, attempts)),
            errors: failed,
            drift: view.drift,
            failing: Failing::default(),
            attempts,
            spark: charts::spark(&glance.hours),
        }
    }
}

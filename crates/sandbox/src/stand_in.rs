//! What the sandbox asks of a stand-in, and the list of them. A new one is a folder, its `mod` line and a line in [`all`].

use std::{fmt::Debug, sync::Arc};

use actix_web::web::ServiceConfig;
use serde_json::{Map, Value};

use crate::{faults::Faults, journal::Entry, people::Words, sender::Webhook, tools::Tools};

/// Every stand-in, in the order of their pages.
pub(crate) fn all(tools: &Arc<Tools>) -> Vec<Arc<dyn StandIn>> {
    vec![
        crate::hubspot::HubSpot::open(tools),
        crate::pipedrive::Pipedrive::open(tools),
        crate::salesforce::Salesforce::open(tools),
        crate::shopify::Shopify::open(tools),
        crate::woocommerce::WooCommerce::open(tools),
        crate::zendesk::Zendesk::open(tools),
    ]
}

/// One platform.
pub(crate) trait StandIn: Debug + Send + Sync {
    /// Its name in paths and in the journal.
    fn slug(&self) -> &'static str;

    /// Its name for people.
    fn name(&self) -> &'static str;

    /// Mounts what it answers below `/<slug>`, with itself as the handlers' data.
    fn mount(self: Arc<Self>, config: &mut ServiceConfig);

    /// The accounts that were spoken of.
    fn accounts(&self) -> Vec<Arc<dyn Account>>;

    /// The account of that name, made when it is first spoken of; `None` where none can have that name.
    fn account(&self, id: &str) -> Option<Arc<dyn Account>>;

    /// Forgets all accounts and grants.
    fn clear(&self);

    /// The switches that only this platform has, with their names for people.
    fn own_switches(&self) -> &'static [(&'static str, &'static str)];

    /// Where its journal says who somebody is.
    fn words(&self) -> Words;
}

/// One account at a platform, as the control API and the page see it.
pub(crate) trait Account: Debug + Send + Sync {
    fn id(&self) -> String;

    /// Applies a write from the journal without telling anybody.
    fn replay(&self, entry: &Entry);

    fn faults(&self) -> Faults;

    fn set_faults(&self, faults: Faults);

    /// Changes the switches as they are now, or counts one down.
    fn adjust_faults(&self, change: &mut dyn FnMut(&mut Faults));

    /// Where all changes are told, for a platform that is set so by its app and not by subscriptions; and what is asked by law.
    fn webhook(&self) -> Option<Webhook>;

    fn set_webhook(&self, webhook: Option<Webhook>);

    /// The kinds of objects, with how many of each are there.
    fn shelves(&self) -> Vec<(&'static str, usize)>;

    /// Some objects of a kind, newest first, past the first so many; `None` where there is no such kind.
    fn sheet(&self, kind: &str, skip: usize, take: usize) -> Option<Sheet>;

    /// What a person does in the platform's own pages: all creations at one moment, or none.
    fn create(&self, kind: &str, rows: Vec<Map<String, Value>>) -> Result<Vec<String>, Refused>;

    fn update(&self, kind: &str, id: &str, fields: Map<String, Value>) -> Result<(), Refused>;

    fn remove(&self, kind: &str, id: &str) -> Result<(), Refused>;

    /// What the platform passes on to an app because the law lets people ask for it: its topics, with their names for people.
    /// Most platforms pass on nothing.
    fn compliance(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Passes on such a request, about an object where it is about one.
    fn request_compliance(&self, topic: &str, _about: Option<&str>) -> Result<(), Refused> {
        Err(Refused::new(404, format!("nobody can ask for {topic} here")))
    }
}

/// Objects as the page shows them.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    pub(crate) kind: &'static str,
    pub(crate) columns: Vec<&'static str>,
    pub(crate) rows: Vec<Row>,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) values: Vec<String>,
    pub(crate) updated_at: String,
}

/// Why a person's edit was not made.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) message: String,
}

impl Refused {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }
}

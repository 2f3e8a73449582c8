//! What deliveries say, and to whose integrations. What is marked of it is `marks`'.

use std::collections::{BTreeMap, BTreeSet};

use connectors::registry::Platform;
use connectors::webhook::{Affair, RemoteChange};
use domain::id::IntegrationId;
use domain::integration::Integration;
use domain::message::WebhookApply;
use domain::platform::PlatformSlug;
use domain::trace::TraceParent;
use persistence::{Transaction, integrations};

use crate::engine::DispatchError;

/// A delivery that was read.
#[derive(Debug)]
pub(super) struct Delivery<'a> {
    pub(super) message: &'a WebhookApply,
    pub(super) trace: TraceParent,
    pub(super) content: Content,
}

/// What a delivery is about.
#[derive(Debug)]
pub(super) enum Content {
    /// The account itself.
    Affair(Affair),
    /// What has changed, by the account that it is of.
    Changes(BTreeMap<Option<String>, Vec<RemoteChange>>),
}

impl<'a> Delivery<'a> {
    pub(super) fn read(message: &'a WebhookApply, trace: TraceParent) -> Result<Self, DispatchError> {
        let platform = Platform::from_slug(&message.platform)
            .ok_or_else(|| DispatchError::UnknownPlatform(message.platform.clone()))?;
        let format = platform.connector().webhooks();
        let content = match format.affair(&message.headers, &message.body) {
            Some(affair) => Content::Affair(affair),
            None => {
                let changes = format.parse(&message.headers, &message.body).map_err(DispatchError::Unreadable)?;
                Content::Changes(by_account(changes))
            }
        };
        Ok(Self { message, trace, content })
    }

    /// Whether it is applied together with the one that came after it.
    ///
    /// An affair is applied alone and in its turn: whoever is erased by it is erased for all that came after it.
    pub(super) fn goes_with(&self, next: &Self) -> bool {
        matches!((&self.content, &next.content), (Content::Changes(_), Content::Changes(_)))
    }

    pub(super) fn is_of_one_account(&self) -> bool {
        self.accounts().count() == 1
    }

    /// What it says to each integration.
    pub(super) fn said_to<'b>(&'b self, listeners: &'b Listeners<'_>) -> Vec<Said<'b>> {
        let trace = self.trace;
        let to_account = move |(account, changes): (Option<&'b str>, &'b [RemoteChange])| {
            let listening = listeners.get(&self.address(account)).into_iter().flatten();
            listening.map(move |integration| Said { integration, changes, trace, marked: 0, names_erased: false })
        };
        self.accounts().flat_map(to_account).collect()
    }

    fn accounts(&self) -> impl Iterator<Item = (Option<&str>, &[RemoteChange])> {
        let changes = match &self.content {
            Content::Changes(changes) => Some(changes),
            Content::Affair(_) => None,
        };
        changes.into_iter().flatten().map(|(account, changes)| (account.as_deref(), changes.as_slice()))
    }

    fn addresses(&self) -> impl Iterator<Item = Address<'_>> {
        self.accounts().map(move |(account, _)| self.address(account))
    }

    fn address<'b>(&'b self, account: Option<&'b str>) -> Address<'b> {
        Address { platform: &self.message.platform, integration: self.message.integration_id, account }
    }
}

fn by_account(changes: Vec<RemoteChange>) -> BTreeMap<Option<String>, Vec<RemoteChange>> {
    let mut accounts: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for change in changes {
        accounts.entry(change.account_id.clone()).or_default().push(change);
    }
    accounts
}

/// What one delivery says to one integration, and what came of it.
#[derive(Debug)]
pub(super) struct Said<'a> {
    pub(super) integration: &'a Integration,
    pub(super) changes: &'a [RemoteChange],
    pub(super) trace: TraceParent,
    /// How many objects were marked.
    pub(super) marked: usize,
    /// Whether anything was left out because it is of somebody who was erased.
    pub(super) names_erased: bool,
}

/// To whom a delivery speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address<'a> {
    platform: &'a PlatformSlug,
    /// Whose URL was called.
    integration: Option<IntegrationId>,
    account: Option<&'a str>,
}

/// The integrations that are spoken to.
pub(super) type Listeners<'a> = BTreeMap<Address<'a>, Vec<Integration>>;

/// Those to whom any of these deliveries speaks, each looked up once.
pub(super) async fn listeners<'a>(
    tx: &mut Transaction,
    deliveries: &'a [Delivery<'a>],
) -> Result<Listeners<'a>, DispatchError> {
    let addresses: BTreeSet<Address<'a>> = deliveries.iter().flat_map(Delivery::addresses).collect();
    let mut listeners = BTreeMap::new();
    for address in addresses {
        listeners.insert(address, listening(tx, address).await?);
    }
    Ok(listeners)
}

/// The integrations that a delivery is for: the one whose URL was called, or all that are connected to the account.
async fn listening(tx: &mut Transaction, address: Address<'_>) -> Result<Vec<Integration>, DispatchError> {
    let found = match (address.integration, address.account) {
        (Some(id), _) => integrations::get_any(tx, id).await?.into_iter().collect(),
        (None, Some(account)) => integrations::of_account(tx, address.platform, account).await?,
        (None, None) => Vec::new(),
    };
    let is_meant = |integration: &Integration| {
        let is_its_account = match (address.account, integration.account_id.as_deref()) {
            (Some(named), Some(connected)) => named == connected,
            (None, _) | (Some(_), None) => true,
        };
        integration.enabled && integration.platform == *address.platform && is_its_account
    };
    Ok(found.into_iter().filter(is_meant).collect())
}

//! The contract between the product and a platform: one trait that every platform has, and one for each capability.

mod cursor;

use std::fmt;

use async_trait::async_trait;
use domain::credentials::Credentials;
use domain::field::{FieldValue, RemoteFields};
use domain::id::RecordId;
use domain::integration::Integration;
use domain::{kind::RecordKind, link::RemoteObject, mapping::Mapping, time::Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::account::Account;
use crate::descriptor::{Descriptor, KeyShown, OptionField};
use crate::discovery::Discovery;
use crate::error::ConnectorError;
use crate::oauth::OAuth;
use crate::proxy::Proxy;
use crate::subscriptions::{AppSubscriptions, Subscriptions};
use crate::webhook::WebhookFormat;

/// What came of one item of a batch.
pub type Each<T> = Vec<Result<T, ConnectorError>>;

/// What was read or found, in the order in which it was asked for; `None` is gone, or was never there.
pub type Found = Result<Vec<Option<RemoteObject>>, ConnectorError>;

/// What came of each write, in the order of the items.
pub type Wrote = Result<Each<Written>, ConnectorError>;

/// Whether each thing was done, in the order of the items.
pub type Done = Result<Each<()>, ConnectorError>;

/// A platform. What it cannot do, it leaves out.
pub trait Connector: fmt::Debug + Send + Sync {
    /// What it is.
    fn descriptor(&self) -> &'static Descriptor;
    /// The mapping that a new integration begins with; empty for a kind that the platform does not hold.
    fn default_mapping(&self, kind: RecordKind) -> Mapping;
    /// What it can do.
    fn parts(&self) -> &'static Parts;

    /// Where a person sees an object on the platform's own site; `None` where that is not known.
    fn address_of(&self, _integration: &Integration, _kind: RecordKind, _external_id: &str) -> Option<Url> {
        None
    }

    /// The choices that a tenant has there.
    fn options(&self) -> &'static [OptionField] {
        &[]
    }

    /// How its deliveries are verified and read.
    fn webhooks(&self) -> &'static dyn WebhookFormat {
        self.parts().webhooks
    }

    /// How a connection is tried and made ready.
    fn probe(&self) -> &'static dyn Probe {
        self.parts().probe
    }

    /// Reads objects.
    fn reader(&self) -> Option<&'static dyn Reader> {
        self.parts().reader
    }

    /// Writes objects.
    fn writer(&self) -> Option<&'static dyn Writer> {
        self.parts().writer
    }

    /// Lists what changed.
    fn changes(&self) -> Option<&'static dyn Changes> {
        self.parts().changes
    }

    /// Describes the fields that the account has.
    fn discovery(&self) -> Option<&'static dyn Discovery> {
        self.parts().discovery
    }

    /// How it is connected by a grant.
    fn oauth(&self) -> Option<&'static dyn OAuth> {
        self.parts().oauth
    }

    /// How an account is made to call us. Platforms whose webhooks are set up once for our whole app, or by the tenant's own
    /// hand, leave it out.
    fn subscriptions(&self) -> Option<&'static dyn Subscriptions> {
        self.parts().subscriptions
    }

    /// How our app as a whole is made to be called, where that is nothing that an account could ask for.
    fn app_subscriptions(&self) -> Option<&'static dyn AppSubscriptions> {
        None
    }

    /// How these credentials are shown with every call.
    fn shown(&self, credentials: &Credentials) -> KeyShown {
        match credentials {
            Credentials::ApiKey { .. } => self.descriptor().key_shown(),
            Credentials::Bearer { .. } => self.oauth().map_or(KeyShown::AsBearer, OAuth::token_shown),
        }
    }

    /// Says what workflows may call through us.
    fn proxy(&self) -> Option<&'static dyn Proxy> {
        self.parts().proxy
    }
}

/// What a platform can do; what it cannot is `None`.
#[expect(missing_debug_implementations, reason = "its parts are behaviour, of which there is nothing to show")]
pub struct Parts {
    /// How its deliveries are verified and read. Whoever does not sign has to say so.
    pub webhooks: &'static dyn WebhookFormat,
    /// How a connection is tried and made ready.
    pub probe: &'static dyn Probe,
    /// Reads objects.
    pub reader: Option<&'static dyn Reader>,
    /// Writes objects.
    pub writer: Option<&'static dyn Writer>,
    /// Lists what changed.
    pub changes: Option<&'static dyn Changes>,
    /// Describes the fields that the account has.
    pub discovery: Option<&'static dyn Discovery>,
    /// How it is connected by a grant.
    pub oauth: Option<&'static dyn OAuth>,
    /// How an account is made to call us.
    pub subscriptions: Option<&'static dyn Subscriptions>,
    /// Says what workflows may call through us.
    pub proxy: Option<&'static dyn Proxy>,
}

/// Tries a connection and makes an account ready.
#[async_trait]
pub trait Probe: Send + Sync {
    /// Asks the platform whose credentials these are.
    ///
    /// # Errors
    /// `Unauthorized` where it does not accept them, `Forbidden` where they may too little.
    async fn test(&self, account: &Account) -> Result<Identified, ConnectorError>;

    /// Makes what our writes rely on, such as a unique property for our key. May be called again at any time.
    ///
    /// # Errors
    /// Only where the platform does not answer as it should; what the account may not do is told in the result.
    async fn prepare(&self, account: &Account) -> Result<Prepared, ConnectorError>;
}

/// Whose account it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// The platform's id of it; a tenant connects one account once.
    pub account_id: String,
    /// How people know it.
    pub name: String,
    /// What else the platform says, for the dashboard.
    pub details: Value,
}

/// What an account is ready for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prepared {
    /// The kinds whose creates carry our key.
    pub keyed: Vec<RecordKind>,
}

/// Reads objects by id or by what identifies them.
#[async_trait]
pub trait Reader: Send + Sync {
    /// Reads `fields` of the objects with these ids. In the order of `ids`; `None` is gone, or was never there.
    ///
    /// # Errors
    /// When the platform does not answer, or refuses the whole call.
    async fn read(&self, account: &Account, kind: RecordKind, ids: &[String], fields: &[String]) -> Found;

    /// Looks for objects by our key, then by each identifier in turn. In the order of `wanted`.
    ///
    /// # Errors
    /// When the platform does not answer, or refuses the whole call.
    async fn find(&self, account: &Account, kind: RecordKind, wanted: &[Wanted], fields: &[String]) -> Found;
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Our key, which a create of ours would have left there.
    pub key: RecordId,
    /// The remote identifier fields and their values, the stronger first: `Mapping::identifiers`.
    pub identifiers: Vec<(String, FieldValue)>,
}

/// Writes objects. Every method answers for each item, in the order of the items.
#[async_trait]
pub trait Writer: Send + Sync {
    /// How many items it writes, looks before included, in the time that one batch may take: fewer where each item is a
    /// call of its own.
    fn at_once(&self) -> usize {
        usize::MAX
    }

    /// The fields of which the platform makes one, such as both halves of a name: where one changes, all are written.
    fn inseparable(&self, _kind: RecordKind) -> &'static [&'static str] {
        &[]
    }

    /// Creates objects so that a second create with the same key, or the same unique identifier, makes no second object.
    ///
    /// # Errors
    /// When the platform does not answer, or refuses the whole call for a reason that is no item's.
    async fn create(&self, account: &Account, kind: RecordKind, items: &[Create]) -> Wrote;

    /// Creates objects without any guard against a second one: only for showing what the guard is good for. Where a platform
    /// keeps nothing unique, a create has none.
    ///
    /// # Errors
    /// As [`Self::create`].
    async fn create_unguarded(&self, account: &Account, kind: RecordKind, items: &[Create]) -> Wrote {
        self.create(account, kind, items).await
    }

    /// Changes the named fields of objects.
    ///
    /// # Errors
    /// As [`Self::create`]; an object that is gone is `NotFound` in its own place.
    async fn update(&self, account: &Account, kind: RecordKind, items: &[Update]) -> Wrote;

    /// Deletes or archives objects; one that is gone already is no failure.
    ///
    /// # Errors
    /// As [`Self::create`].
    async fn delete(&self, account: &Account, kind: RecordKind, ids: &[String]) -> Done;

    /// Ties objects to their contacts. May be repeated. Creates do this by themselves; adopted objects need it.
    ///
    /// # Errors
    /// As [`Self::create`].
    async fn associate(&self, account: &Account, kind: RecordKind, ties: &[Tie]) -> Done;

    /// Takes ties to contacts away, whoever made them; one that is not there is no failure.
    ///
    /// # Errors
    /// As [`Self::create`].
    async fn dissociate(&self, account: &Account, kind: RecordKind, ties: &[Tie]) -> Done;
}

/// An object to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    /// Our key.
    pub key: RecordId,
    /// All that it is to hold.
    pub fields: RemoteFields,
    /// The platform's id of the contact it belongs to.
    pub contact: Option<String>,
}

/// A change of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The platform's id of it.
    pub external_id: String,
    /// Only what is to change.
    pub fields: RemoteFields,
}

/// That an object belongs to a contact, both by the platform's ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tie {
    /// The deal or activity.
    pub external_id: String,
    /// The contact.
    pub contact: String,
}

/// What a write left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The platform's id of the object.
    pub external_id: String,
    /// What the platform shows for the fields that were written; one that it does not show is absent.
    pub shown: RemoteFields,
    /// Whether the object is new.
    pub created: bool,
    /// When the platform says the object last changed.
    pub modified_at: Option<Timestamp>,
}

/// Lists what changed since.
#[async_trait]
pub trait Changes: Send + Sync {
    /// One page of what changed since `cursor`, or of everything. An object may come more than once.
    ///
    /// # Errors
    /// When the platform does not answer, or the cursor is not one of this connector's.
    async fn list(
        &self,
        account: &Account,
        kind: RecordKind,
        cursor: Option<Cursor>,
        fields: &[String],
    ) -> Result<Page, ConnectorError>;

    /// One page of the ids that the platform lists as deleted. They are suspects until a read agrees.
    ///
    /// # Errors
    /// As [`Self::list`].
    async fn list_deleted(
        &self,
        account: &Account,
        kind: RecordKind,
        cursor: Option<Cursor>,
    ) -> Result<DeletedPage, ConnectorError>;
}

/// Where a listing goes on. Only the connector that made it can read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// Objects that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// As they are now.
    pub objects: Vec<RemoteObject>,
    /// Where to go on; kept for the next listing when there is nothing more now. Then it reaches back behind what this one
    /// showed by more than the platform's index lags.
    pub next: Cursor,
    /// Whether there is more now.
    pub more: bool,
    /// How many there are from the cursor on, those of this page among them; `None` where the platform does not say.
    pub total: Option<u64>,
}

/// Objects that are listed as deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedPage {
    /// Their ids and, where the platform says so, when they went.
    pub ids: Vec<(String, Option<Timestamp>)>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}

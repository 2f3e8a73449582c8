//! The contract between the product and a platform: one trait that every platform has, and one for each capability.

mod changes;
mod cursor;
mod probe;
mod read;
mod write;

use std::fmt;

use domain::credentials::Credentials;
use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::mapping::Mapping;
use url::Url;

pub use self::changes::{Changes, DeletedPage, Page};
pub use self::cursor::Cursor;
pub use self::probe::{Identified, Prepared, Probe};
pub use self::read::{Found, Reader, Wanted};
pub use self::write::{Create, Done, Each, Tie, Update, Writer, Written, Wrote};
use crate::descriptor::{Descriptor, KeyShown, OptionField};
use crate::discovery::Discovery;
use crate::oauth::OAuth;
use crate::proxy::Proxy;
use crate::subscriptions::{AppSubscriptions, Subscriptions};
use crate::webhook::WebhookFormat;

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

//! What a platform is: the data from which the catalogue, the forms and the rate limiter are made. No behaviour lives here.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::integration::Direction;
use domain::kind::RecordKind;

/// What a platform is, in words and numbers.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor {
    /// Its name in paths and tables.
    pub slug: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// What it is for.
    pub category: Category,
    /// The ways in which a tenant may let us in, the one to prefer first. None comes twice.
    pub auth: &'static [AuthScheme],
    /// Whether a tenant types the whole address of its own, as of a shop that it hosts itself. A site that is only named is
    /// asked for by [`Terms::site`].
    pub needs_url: bool,
    /// The kinds it holds, in the order in which one may depend on another.
    pub kinds: &'static [RecordKind],
    /// How much it takes.
    pub limits: Limits,
    /// Where its interface is documented.
    pub docs_url: &'static str,
    /// How long an object that was created may stay invisible to `Reader::find`.
    ///
    /// Zero where every create carries a key that the platform keeps unique and reads directly.
    pub lookup_lag: Duration,
}

impl Descriptor {
    /// The kinds that flow another way than an integration's own direction, until the tenant says otherwise: not every
    /// prospect is a customer of a shop.
    #[must_use]
    pub fn default_directions(&self) -> BTreeMap<RecordKind, Direction> {
        match self.category {
            Category::ECommerce => BTreeMap::from([(RecordKind::Contact, Direction::FromPlatform)]),
            Category::Crm | Category::Support | Category::Marketing => BTreeMap::new(),
        }
    }

    /// The terms of its grants; `None` where it gives none.
    #[must_use]
    pub fn terms(&self) -> Option<&'static Terms> {
        self.auth.iter().find_map(|scheme| match scheme {
            AuthScheme::OAuth2(terms) => Some(terms),
            AuthScheme::ApiKey { .. } => None,
        })
    }

    /// What its form for a key asks for; `None` where it takes none.
    #[must_use]
    pub fn key_fields(&self) -> Option<&'static [CredentialField]> {
        self.auth.iter().find_map(|scheme| match scheme {
            AuthScheme::ApiKey { fields, .. } => Some(*fields),
            AuthScheme::OAuth2(_) => None,
        })
    }

    /// How its keys are shown.
    #[must_use]
    pub fn key_shown(&self) -> KeyShown {
        let shown = self.auth.iter().find_map(|scheme| match scheme {
            AuthScheme::ApiKey { shown, .. } => Some(*shown),
            AuthScheme::OAuth2(_) => None,
        });
        shown.unwrap_or(KeyShown::AsBearer)
    }
}

/// What a platform is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// Customer relations.
    Crm,
    /// A shop.
    ECommerce,
    /// Tickets of customers.
    Support,
    /// Mail and campaigns.
    Marketing,
}

impl Category {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Crm, Self::ECommerce, Self::Support, Self::Marketing];

    /// The name in the catalogue.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crm => "crm",
            Self::ECommerce => "ecommerce",
            Self::Support => "support",
            Self::Marketing => "marketing",
        }
    }
}

/// A way in which a tenant may let us in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthScheme {
    /// By a key that the tenant copies from the platform.
    ApiKey {
        /// What the form asks for.
        fields: &'static [CredentialField],
        /// How the key is shown with every call.
        shown: KeyShown,
    },
    /// By a grant that the tenant gives on the platform's own page. What is done with it is [`crate::oauth::OAuth`].
    OAuth2(Terms),
}

impl AuthScheme {
    /// The names of all of them in the catalogue.
    pub const NAMES: [&'static str; 2] = ["api_key", "oauth2"];

    /// The name in the catalogue.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey { .. } => "api_key",
            Self::OAuth2(_) => "oauth2",
        }
    }
}

/// How a key, or an access token, is shown with every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyShown {
    /// `Authorization: Bearer`, as nearly every access token is.
    AsBearer,
    /// `Authorization: Basic`, the secret as its password.
    AsBasic,
    /// In a header of this name.
    InHeader(&'static str),
    /// In the query, by this name.
    InQuery(&'static str),
}

/// The terms of a platform's grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What we cannot do without.
    pub scopes: &'static [&'static str],
    /// What each of them is for, as it is told to whoever grants it.
    pub purposes: &'static [(&'static str, Words)],
    /// Whether the platform takes part in PKCE, by the method `S256`.
    pub pkce: bool,
    /// What the tenant is asked for before the consent page, where it has a site of its own.
    pub site: Option<SiteField>,
    /// How long an access token lives where the answer does not say; `None` where such a token does not expire.
    pub assumed_life: Option<Duration>,
    /// How long before its end an access token is replaced; at most half of a shorter life.
    pub refresh_ahead: Duration,
    /// Whether a refresh token is good for one use, so that one whose fate is unknown must not be used again.
    pub single_use_refresh: bool,
    /// A grant that nobody used is refreshed after so long, or the platform would let it die.
    pub keep_alive: Option<Duration>,
}

impl Terms {
    /// What a scope is for; `None` where it is none of those that are needed.
    #[must_use]
    pub fn purpose(&self, scope: &str) -> Option<Words> {
        self.purposes.iter().find(|(known, _)| *known == scope).map(|(_, purpose)| *purpose)
    }
}

/// What a tenant is asked for before the consent page. Whether the answer will do is [`crate::oauth::OAuth::site`]'s to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteField {
    /// Its name for people.
    pub label: Words,
    /// Where the tenant finds it, and of what form it is.
    pub hint: Words,
    /// Whether there is no going on without it.
    pub required: bool,
}

/// One field of the form in which a tenant gives its credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialField {
    /// Its name in the API: `api_key` or `api_secret`.
    pub name: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// Where the tenant finds it.
    pub hint: &'static str,
}

/// A choice that a tenant has at a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionField {
    /// Its name in the API, and for the connector: `Account::option`.
    pub name: &'static str,
    /// Its name for people.
    pub label: Words,
    /// What can be chosen, the usual first.
    pub choices: &'static [OptionChoice],
    /// Once there are objects of this kind, another choice would mean other objects: it is made before.
    pub fixed_by: Option<RecordKind>,
}

/// One of the things that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionChoice {
    /// Its name in the API, and for the connector.
    pub value: &'static str,
    /// Its name for people.
    pub label: Words,
    /// What it leads to.
    pub help: Words,
}

/// A text for people, in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// In French.
    pub fr: &'static str,
    /// In English.
    pub en: &'static str,
}

impl Words {
    /// French first, then English.
    #[must_use]
    pub const fn new(fr: &'static str, en: &'static str) -> Self {
        Self { fr, en }
    }
}

/// How much a platform takes from one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// So many requests …
    pub requests: u32,
    /// … in so long.
    pub per: Duration,
    /// How many items one request may carry.
    pub batch: usize,
}

//! What a platform is: the data from which the catalogue, the forms and the rate limiter are made. No behaviour lives here.

use std::time::Duration;

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
    /// How a tenant lets us in.
    pub auth: AuthScheme,
    /// Whether each tenant has an address of its own, as shops have.
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

/// How a tenant lets us in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthScheme {
    /// By a key that the tenant copies from the platform.
    ApiKey {
        /// What the form asks for.
        fields: &'static [CredentialField],
    },
    /// By a grant that the tenant gives on the platform's own page.
    OAuth2 {
        /// The platform's page.
        authorize_url: &'static str,
        /// Below the base URL: where codes and refresh tokens become access tokens.
        token_path: &'static str,
        /// What we ask for.
        scopes: &'static [&'static str],
    },
}

impl AuthScheme {
    /// The name in the catalogue.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey { .. } => "api_key",
            Self::OAuth2 { .. } => "oauth2",
        }
    }
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

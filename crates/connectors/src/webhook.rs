//! What every platform's deliveries have in common: what is verified, what is refused, what is read from them.

mod affair;
pub(crate) mod basic;
pub(crate) mod sealed;

use std::borrow::Cow;

use domain::kind::RecordKind;
use domain::time::Timestamp;
use secrecy::SecretString;
use serde::de::IgnoredAny;

pub use self::affair::{Affair, Matter, PersonRef};
use crate::error::ConnectorError;

/// A delivery as it came in.
#[derive(Clone, Copy, Debug)]
pub struct WebhookRequest<'a> {
    /// The HTTP method, in capitals.
    pub method: &'a str,
    /// The address as the platform called it: our configured public URL, then the path and query as received.
    pub public_uri: &'a str,
    /// The headers, names in lower case.
    pub headers: &'a [(String, String)],
    /// The body, byte for byte.
    pub body: &'a [u8],
    /// When it came in.
    pub received_at: Timestamp,
}

/// The first header of that name, which is given in lower case.
#[must_use]
pub fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// Under whose secret a delivery is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// That of our app, the same for all tenants.
    App,
    /// That of the integration whose URL was called.
    Integration,
}

/// Why a delivery is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No signature, or one that is not of the right form.
    #[error("the delivery is not signed")]
    Unsigned,
    /// No time of signing, or one that is not of the right form.
    #[error("the delivery does not say when it was signed")]
    Undated,
    /// Signed too long ago, or too far ahead.
    #[error("the delivery was signed too long ago, or ahead of time")]
    OutsideWindow,
    /// Signed by somebody else, or changed on the way.
    #[error("the signature does not match the delivery")]
    WrongSignature,
    /// There is no secret to check it with; an empty one would let everybody in.
    #[error("there is no secret to check the delivery with")]
    NoSecret,
}

impl Rejection {
    /// The stable code in logs and answers.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Undated => "undated",
            Self::OutsideWindow => "outside_window",
            Self::WrongSignature => "wrong_signature",
            Self::NoSecret => "no_secret",
        }
    }
}

/// How a platform's deliveries are verified and read.
pub trait WebhookFormat: Send + Sync {
    /// Under whose secret they are signed.
    fn secret(&self) -> SecretSource;

    /// Checks that the platform sent exactly this, just now.
    ///
    /// # Errors
    /// Why it is refused.
    fn verify(&self, request: &WebhookRequest<'_>, secret: &SecretString) -> Result<(), Rejection>;

    /// Whether this is no delivery but a greeting, unsigned by its nature: it is answered well, and nothing else is done.
    fn is_greeting(&self, _request: &WebhookRequest<'_>) -> bool {
        false
    }

    /// Whether a body is of the form that the platform sends: JSON or a form, unless it says otherwise.
    fn is_readable(&self, headers: &[(String, String)], body: &str) -> bool {
        let is_form =
            header(headers, "content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        is_form || serde_json::from_str::<IgnoredAny>(body).is_ok()
    }

    /// A verified body as it is passed on and kept: without what would open the account, where a platform sends that along.
    fn kept_body<'a>(&self, body: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(body)
    }

    /// What the platform wants to hear, besides the status, of a delivery that was taken; most want nothing.
    fn receipt(&self) -> Option<Receipt> {
        None
    }

    /// The names, in lower case, of the headers that [`Self::parse`] needs.
    fn kept_headers(&self) -> &'static [&'static str];

    /// What is the same for a delivery and its exact repetition, and for no other.
    fn delivery_id(&self, headers: &[(String, String)], body: &[u8]) -> Option<String>;

    /// What a verified delivery says of the account itself; such a one says nothing of objects.
    fn affair(&self, _headers: &[(String, String)], _body: &str) -> Option<Affair> {
        None
    }

    /// What a verified delivery says has changed. What it says of things that we do not keep is left out.
    ///
    /// # Errors
    /// When the body is not of the platform's form.
    fn parse(&self, headers: &[(String, String)], body: &str) -> Result<Vec<RemoteChange>, ConnectorError>;
}

/// The answer to a delivery that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its media type.
    pub content_type: &'static str,
    /// It.
    pub body: &'static str,
}

/// That an object changed: a reason to look at it, not what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteChange {
    /// The platform's id of the account; `None` where the URL that was called says whose it is.
    pub account_id: Option<String>,
    /// What it is.
    pub kind: RecordKind,
    /// Its id.
    pub external_id: String,
    /// When, as the platform says.
    pub occurred_at: Option<Timestamp>,
    /// Whether it is said to be gone. A suspicion, until a read agrees.
    pub deleted: bool,
    /// The object that it became part of, where it went by a merge.
    pub merged_into: Option<String>,
}

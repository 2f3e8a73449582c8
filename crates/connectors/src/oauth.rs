//! Grants that a tenant gives on the platform's own page: what every platform's OAuth has in common. Keeping tokens, and when to
//! refresh them, is `accounts`'.

mod pkce;
mod token;

use async_trait::async_trait;
use domain::time::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

pub use self::pkce::Pkce;
pub(crate) use self::token::home;
pub use self::token::{ClientAuth, Endpoint, INVALID_GRANT, below};
use crate::descriptor::KeyShown;
use crate::error::ConnectorError;
use crate::http::Client;

/// A platform that is connected by a grant. What of it is plain data is in `descriptor::Terms`.
#[async_trait]
pub trait OAuth: Send + Sync {
    /// The name of the tenant's own site, from what the tenant typed: it takes the place of `{account}` in the operator's
    /// addresses. A platform with one site for all answers `Ok(None)` to nothing typed, and refuses anything else.
    ///
    /// Our app's secret is sent there, so nothing may pass that could lead out of the platform's own domain.
    ///
    /// # Errors
    /// A sentence for the tenant where what was typed is no such name, or is missing.
    fn site(&self, typed: Option<&str>) -> Result<Option<String>, BadSite>;

    /// The platform's page on which the tenant consents.
    fn authorize_url(&self, app: &App, request: &Authorization<'_>) -> Url;

    /// Checks what the platform itself signs of the callback. Our own `state` is checked by whoever made it, before this.
    ///
    /// # Errors
    /// Where the callback is not what the platform would send.
    fn check_callback(&self, app: &App, callback: &Callback<'_>) -> Result<(), BadCallback>;

    /// Turns the code of a callback into a grant.
    ///
    /// # Errors
    /// `Unauthorized` with the code [`INVALID_GRANT`] where the code is spent, expired or of somebody else.
    async fn exchange(&self, app: &App, http: &Client, code: &Code<'_>) -> Result<Grant, ConnectorError>;

    /// Gets a new access token. What the answer leaves out, the caller keeps: see [`Grant::renewed_by`].
    ///
    /// # Errors
    /// `Unauthorized` with the code [`INVALID_GRANT`] where the grant is no more, and nothing else means that.
    async fn refresh(&self, app: &App, http: &Client, refresh: &SecretString) -> Result<Grant, ConnectorError>;

    /// Gives the grant back. One that is gone already is no failure.
    ///
    /// # Errors
    /// When the platform does not answer, or refuses.
    async fn revoke(&self, app: &App, http: &Client, grant: &Grant) -> Result<(), ConnectorError>;

    /// Whether the refresh token of a grant is still good, found out without using it; `None` where the platform gives no way.
    /// Only asked where a refresh token is good for one use and nobody knows whether it was used.
    ///
    /// # Errors
    /// When the platform does not answer.
    async fn is_unspent(&self, _app: &App, _http: &Client, _grant: &Grant) -> Result<Option<bool>, ConnectorError> {
        Ok(None)
    }

    /// How an access token is shown with every call.
    fn token_shown(&self) -> KeyShown {
        KeyShown::AsBearer
    }

    /// The scopes that are needed and were not granted. Platforms on which one scope implies others say so here.
    fn lacking(&self, needed: &[&'static str], granted: &[String]) -> Vec<&'static str> {
        needed.iter().copied().filter(|scope| !granted.iter().any(|granted| granted == scope)).collect()
    }
}

/// Coccinelle's app at a platform, as the tenant's own site knows it.
#[derive(Clone, Debug)]
pub struct App {
    /// Its id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// Where the consent page is, below this.
    pub authorize_base: Url,
    /// Where codes and refresh tokens become access tokens, below this.
    pub token_base: Url,
    /// Where the platform's interface begins, where that is known without the grant.
    pub base_url: Option<Url>,
    /// The name of the tenant's site, as [`OAuth::site`] gave it.
    pub site: Option<String>,
}

/// What is asked for on the consent page.
#[derive(Clone, Copy, Debug)]
pub struct Authorization<'a> {
    /// What comes back with the callback, and nobody can guess.
    pub state: &'a str,
    /// The challenge of PKCE, of the method `S256`; `None` where the terms do not offer it.
    pub challenge: Option<&'a str>,
    /// Where the browser is sent afterwards.
    pub redirect_uri: &'a Url,
    /// The scopes of the terms.
    pub scopes: &'static [&'static str],
}

/// A callback as the browser brought it.
#[derive(Clone, Copy, Debug)]
pub struct Callback<'a> {
    /// Its query, decoded, in the order in which it came.
    pub query: &'a [(String, String)],
    /// When it came.
    pub received_at: Timestamp,
}

impl<'a> Callback<'a> {
    /// The first parameter of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A code that is to become a grant.
#[derive(Clone, Copy, Debug)]
pub struct Code<'a> {
    /// It.
    pub code: &'a SecretString,
    /// The secret behind the challenge of PKCE.
    pub verifier: Option<&'a SecretString>,
    /// The same as on the consent page.
    pub redirect_uri: &'a Url,
    /// The scopes of the terms, which some platforms want to hear again.
    pub scopes: &'static [&'static str],
}

impl<'a> Code<'a> {
    /// It as the form of a token endpoint (RFC 6749, section 4.1.3, and RFC 7636).
    pub(crate) fn form(&self) -> Vec<(&'static str, &'a str)> {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", self.code.expose_secret()),
            ("redirect_uri", self.redirect_uri.as_str()),
        ];
        fields.extend(self.verifier.map(|verifier| ("code_verifier", verifier.expose_secret())));
        fields
    }
}

impl Authorization<'_> {
    /// The consent page at this address, asked in the usual way (RFC 6749, section 4.1.1, and RFC 7636).
    pub(crate) fn page(&self, app: &App, path: &str) -> Url {
        let mut url = below(&app.authorize_base, path);
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &app.client_id)
            .append_pair("redirect_uri", self.redirect_uri.as_str())
            .append_pair("scope", &self.scopes.join(" "))
            .append_pair("state", self.state);
        if let Some(challenge) = self.challenge {
            url.query_pairs_mut().append_pair("code_challenge", challenge).append_pair("code_challenge_method", "S256");
        }
        url
    }
}

/// What the platform granted.
#[derive(Clone, Debug)]
pub struct Grant {
    /// What opens the account now.
    pub access_token: SecretString,
    /// What makes the next one; `None` where the platform gives none.
    pub refresh_token: Option<SecretString>,
    /// When the access token ceases to be valid; `None` where it does not, or the platform does not say.
    pub expires_at: Option<Timestamp>,
    /// When the refresh token does, if it is not used before.
    pub refresh_expires_at: Option<Timestamp>,
    /// What the grant permits, in the platform's words.
    pub scopes: Vec<String>,
    /// Where the account's interface begins; `None` where it is the same for all.
    pub base_url: Option<Url>,
    /// The platform's id of the account, where the answer tells it.
    pub account_id: Option<String>,
}

impl Grant {
    /// This grant after a refresh: what the answer leaves out stays.
    #[must_use]
    pub fn renewed_by(self, answer: Self) -> Self {
        Self {
            access_token: answer.access_token,
            expires_at: answer.expires_at,
            refresh_expires_at: answer.refresh_expires_at.or(self.refresh_expires_at),
            refresh_token: answer.refresh_token.or(self.refresh_token),
            scopes: if answer.scopes.is_empty() { self.scopes } else { answer.scopes },
            base_url: answer.base_url.or(self.base_url),
            account_id: answer.account_id.or(self.account_id),
        }
    }
}

/// What was typed is not the name of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadSite(pub &'static str);

/// Why a callback is refused, whose `state` is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCallback {
    /// No signature, or one of somebody else.
    #[error("the callback is not signed by the platform")]
    Unsigned,
    /// Signed too long ago, or ahead of time.
    #[error("the callback was signed too long ago, or ahead of time")]
    OutsideWindow,
    /// It comes from another site than the one that was asked.
    #[error("the callback comes from another site than the one that was asked")]
    OtherSite,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(access: &str, refresh: Option<&str>, scopes: &[&str]) -> Grant {
        Grant {
            access_token: access.to_owned().into(),
            refresh_token: refresh.map(|token| token.to_owned().into()),
            expires_at: None,
            refresh_expires_at: None,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            base_url: None,
            account_id: None,
        }
    }

    #[test]
    fn what_a_refresh_leaves_out_stays() {
        let kept = grant("a", Some("r"), &["x"]).renewed_by(grant("b", None, &[]));
        assert_eq!(kept.access_token.expose_secret(), "b");
        assert_eq!(kept.refresh_token.unwrap().expose_secret(), "r");
        assert_eq!(kept.scopes, ["x"]);
        let rotated = grant("a", Some("r"), &["x"]).renewed_by(grant("b", Some("s"), &["y"]));
        assert_eq!(rotated.refresh_token.unwrap().expose_secret(), "s");
        assert_eq!(rotated.scopes, ["y"]);
    }
}

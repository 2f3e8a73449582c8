//! Calls of a token endpoint (RFC 6749, sections 4.1.3 and 6), and what its answers mean. Which fields a platform sends is its own.

use std::time::Duration;

use domain::fault::FaultKind;
use domain::time::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use url::Url;

use super::{App, Grant};
use crate::error::ConnectorError;
use crate::http::{Client, RawAnswer};

/// The code of the one refusal that means that the grant, or the code, is no more.
pub const INVALID_GRANT: &str = "invalid_grant";

/// Longer explanations are cut.
const MESSAGE: usize = 300;

/// How our app says who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// In the body, as a form.
    InForm,
    /// In the body, as JSON.
    InJson,
    /// In the header `Authorization: Basic`; the body is a form.
    InHeader,
}

/// A token endpoint.
#[derive(Clone, Debug)]
pub struct Endpoint<'a> {
    /// Our app.
    pub app: &'a App,
    /// By what it is called.
    pub http: &'a Client,
    /// Below the app's `token_base`, without a slash at the beginning.
    pub path: String,
    /// How our app says who it is.
    pub client: ClientAuth,
}

impl Endpoint<'_> {
    /// Asks for a grant by these fields, and reads the answer's common part.
    ///
    /// # Errors
    /// `Unauthorized` with the code [`INVALID_GRANT`] where the code or the grant is no more, and nothing else means that.
    pub async fn grant(&self, fields: &[(&str, &str)]) -> Result<(Grant, Value), ConnectorError> {
        let asked_at = Timestamp::now();
        let body = self.call(fields).await?;
        let grant = read(&body, asked_at).ok_or_else(not_a_grant)?;
        Ok((grant, body))
    }

    /// Sends these fields; the body of a success.
    ///
    /// # Errors
    /// As [`Self::grant`].
    pub async fn call(&self, fields: &[(&str, &str)]) -> Result<Value, ConnectorError> {
        let (id, secret) = (self.app.client_id.as_str(), self.app.client_secret.expose_secret());
        let own = [("client_id", id), ("client_secret", secret)];
        let url = below(&self.app.token_base, &self.path);
        let answer = match self.client {
            ClientAuth::InForm => self.http.post_form(url, None, &[&own, fields].concat()).await?,
            ClientAuth::InHeader => self.http.post_form(url, Some((id, secret)), fields).await?,
            ClientAuth::InJson => {
                let text = |(name, value): &(&str, &str)| ((*name).to_owned(), Value::String((*value).to_owned()));
                let body: Map<String, Value> = own.iter().chain(fields).map(text).collect();
                self.http.post_secret(url, &Value::Object(body)).await?
            }
        };
        if answer.is_success() { Ok(answer.body) } else { Err(refusal(&answer)) }
    }
}

/// An address below another.
#[must_use]
pub fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path.split('/'));
    }
    url
}

/// Where an answer says that the account's interface is. Our tokens are sent there, so it must be of the platform's own domain, or
/// where the tokens are made, as a stand-in is.
pub(crate) fn home(app: &App, body: &Value, name: &str, domain: &str) -> Option<Url> {
    let told = Url::parse(text(body, name)?).ok()?;
    let is_below = told.host_str().and_then(|host| host.strip_suffix(domain)).is_some_and(|rest| rest.ends_with('.'));
    let is_own = told.scheme() == "https" && told.port().is_none() && is_below;
    (is_own || told.origin() == app.token_base.origin()).then_some(told)
}

/// A field of an answer that is text, and not empty.
fn text<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn secret(body: &Value, name: &str) -> Option<SecretString> {
    text(body, name).map(|text| text.to_owned().into())
}

/// The common part of an answer. Times count from the asking, which is the earlier and so the safer moment.
fn read(body: &Value, asked_at: Timestamp) -> Option<Grant> {
    let until = |name: &str| {
        let seconds = body.get(name)?;
        let seconds = seconds.as_u64().or_else(|| seconds.as_str()?.parse().ok())?;
        Some(asked_at.plus(Duration::from_secs(seconds)))
    };
    Some(Grant {
        access_token: secret(body, "access_token")?,
        refresh_token: secret(body, "refresh_token"),
        expires_at: until("expires_in"),
        refresh_expires_at: until("refresh_token_expires_in"),
        scopes: scopes(body),
        base_url: None,
        account_id: None,
    })
}

/// Scopes come as a list, or as text with spaces or commas.
fn scopes(body: &Value) -> Vec<String> {
    let listed = body.get("scopes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let written = text(body, "scope").unwrap_or_default().split([' ', ',']).filter(|scope| !scope.is_empty());
    listed.chain(written).map(str::to_owned).collect()
}

/// What a refusal means. Only `invalid_grant` says that a grant is gone; all else is an outage, or our own app's trouble.
fn refusal(answer: &RawAnswer) -> ConnectorError {
    let body = &answer.body;
    let code = text(body, "error").unwrap_or_default();
    let told = text(body, "error_description").or_else(|| text(body, "message")).unwrap_or(code);
    let message: String = told.chars().take(MESSAGE).collect();
    let is_gone = code == INVALID_GRANT || text(body, "status") == Some("BAD_REFRESH_TOKEN");
    let error = |kind, code: &str, message: String| ConnectorError {
        status: Some(answer.status),
        retry_after: answer.retry_after,
        ..ConnectorError::new(kind, code, message)
    };
    match (answer.status, code) {
        (429, _) => error(FaultKind::RateLimited, "rate_limited", "the platform takes no more requests now".to_owned()),
        (500.., _) | (408, _) => {
            error(FaultKind::Unavailable, "platform_unavailable", format!("status {}", answer.status))
        }
        (400..=403, _) if is_gone => error(FaultKind::Unauthorized, INVALID_GRANT, message),
        (_, "invalid_client" | "unauthorized_client") => {
            error(FaultKind::Internal, code, format!("the platform does not know our app: {message}"))
        }
        (_, "") => error(FaultKind::Unavailable, "not_a_grant", format!("status {}, without a reason", answer.status)),
        (_, code) => error(FaultKind::Invalid, code, message),
    }
}

fn not_a_grant() -> ConnectorError {
    ConnectorError::new(FaultKind::Unavailable, "not_a_grant", "the platform's answer holds no access token")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(status: u16, body: Value) -> (FaultKind, String) {
        let error = refusal(&RawAnswer { status, body, retry_after: None });
        (error.kind, error.code)
    }

    #[test]
    fn nothing_but_the_platforms_own_word_says_that_a_grant_is_gone() {
        let gone = (FaultKind::Unauthorized, INVALID_GRANT.to_owned());
        assert_eq!(refused(400, json!({"error": "invalid_grant", "error_description": "expired"})), gone);
        assert_eq!(refused(401, json!({"error": "invalid_grant"})), gone);
        assert_eq!(refused(400, json!({"status": "BAD_REFRESH_TOKEN", "message": "unknown refresh token"})), gone);
        for (status, body) in [
            (500, json!({"error": "invalid_grant"})),
            (503, json!("<html>")),
            (429, json!({"error": "invalid_grant"})),
            (401, json!({"error": "invalid_client"})),
            (401, Value::Null),
            (404, json!({"message": "no such shop"})),
            (400, json!({"error": "invalid_request"})),
            (302, Value::Null),
        ] {
            assert_ne!(refused(status, body.clone()).0, FaultKind::Unauthorized, "{status} {body}");
        }
    }

    #[test]
    fn tokens_are_sent_to_the_platforms_own_domain_or_to_where_they_were_made_and_nowhere_else() {
        let base: Url = "http://127.0.0.1:20090/pipedrive".parse().unwrap();
        let app = App {
            client_id: String::new(),
            client_secret: String::new().into(),
            authorize_base: base.clone(),
            token_base: base,
            base_url: None,
            site: None,
        };
        let home = |told: &str| home(&app, &json!({ "api_domain": told }), "api_domain", "pipedrive.com").is_some();
        assert!(home("https://acme.pipedrive.com") && home("http://127.0.0.1:20090/pipedrive"));
        for told in [
            "http://acme.pipedrive.com",
            "https://pipedrive.com.evil.example",
            "https://evilpipedrive.com",
            "https://acme.pipedrive.com:8443",
            "https://acme.pipedrive.com@evil.example",
            "http://169.254.169.254/latest",
            "http://127.0.0.1:5432/",
            "",
        ] {
            assert!(!home(told), "{told}");
        }
    }

    #[test]
    fn a_grant_is_read_in_the_notations_that_platforms_have() {
        let at = Timestamp::parse("2026-11-27T12:00:00Z").unwrap();
        let body = json!({"access_token": "a", "refresh_token": "r", "expires_in": 1800, "scopes": ["x", "y"]});
        let grant = read(&body, at).unwrap();
        assert_eq!(grant.expires_at, Timestamp::parse("2026-11-27T12:30:00Z"));
        assert_eq!(grant.scopes, ["x", "y"]);
        let body = json!({"access_token": "a", "expires_in": "60", "scope": "x,y z", "refresh_token": ""});
        let grant = read(&body, at).unwrap();
        assert_eq!((grant.expires_at, grant.scopes.len()), (Timestamp::parse("2026-11-27T12:01:00Z"), 3));
        assert!(grant.refresh_token.is_none());
        assert!(read(&json!({"refresh_token": "r"}), at).is_none());
    }
}

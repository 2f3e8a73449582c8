//! The client by which platforms are called. It never repeats a call and follows no redirect; when to try again is the broker's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::credentials::Credentials;
use domain::fault::FaultKind;
use reqwest::header::HeaderValue;
use reqwest::redirect::Policy;
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::answer::{self, Answer};
use super::guard::{self, Lookup, PublicOnly, System};
use super::measure;
use super::renewal::Renewal;
use crate::account::Account;
use crate::descriptor::KeyShown;
use crate::error::ConnectorError;

/// A caller waits so long for room in the budget; what needs longer comes back by the broker.
const PATIENCE: Duration = Duration::from_secs(10);

/// An idle connection is kept for less than servers commonly do (5 s), or a write could meet one that is being closed, and
/// nobody would know what came of it.
const IDLE: Duration = Duration::from_secs(4);

/// Where a client may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Public hosts by HTTPS only: for addresses that a tenant typed.
    PublicOnly {
        /// The ports that may be called besides 443.
        other_ports: Vec<u16>,
    },
    /// Anything, a stand-in on loopback included: for addresses that an operator configured.
    Anywhere,
}

/// A shared HTTP client; cloning shares its connections.
#[derive(Clone, Debug)]
pub struct Client {
    inner: reqwest::Client,
    reach: Reach,
    renewal: Option<Arc<dyn Renewal>>,
    #[cfg(fuzzing)]
    script: Option<super::Script>,
}

/// The client could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client could not be set up")]
pub struct SetupError(#[from] reqwest::Error);

impl Client {
    /// A client whose calls end after `timeout`, the reading of the answer included.
    ///
    /// # Errors
    /// When the system's certificates cannot be used.
    pub fn new(timeout: Duration, reach: Reach) -> Result<Self, SetupError> {
        Self::resolving_by(timeout, reach, System)
    }

    fn resolving_by(timeout: Duration, reach: Reach, lookup: impl Lookup) -> Result<Self, SetupError> {
        ensure_tls_provider();
        let builder = reqwest::Client::builder()
            .timeout(timeout)
            .connect_timeout(timeout.min(Duration::from_secs(10)))
            .pool_idle_timeout(IDLE)
            .user_agent(concat!("coccinelle-integrations/", env!("CARGO_PKG_VERSION")))
            // A redirect could lead our credentials, or our network, anywhere.
            .redirect(Policy::none());
        let builder = match &reach {
            Reach::Anywhere => builder,
            // A proxy would resolve the name for us, past the guard.
            Reach::PublicOnly { .. } => builder.no_proxy().https_only(true).dns_resolver(PublicOnly(Arc::new(lookup))),
        };
        Ok(Self {
            inner: builder.build()?,
            reach,
            renewal: None,
            #[cfg(fuzzing)]
            script: None,
        })
    }

    /// A client that asks for another access token where the account's is refused, and calls once more with that.
    #[must_use]
    pub fn renewing(self, renewal: Arc<dyn Renewal>) -> Self {
        Self { renewal: Some(renewal), ..self }
    }

    /// A client that calls nobody, and is answered by a script.
    #[cfg(fuzzing)]
    #[must_use]
    pub fn answered_by(self, script: super::Script) -> Self {
        Self { script: Some(script), ..self }
    }

    /// Makes a call with the account's credentials, within its budget.
    ///
    /// # Errors
    /// Any answer but a success, and no answer at all. The connector refines code and message.
    pub(crate) async fn send(&self, account: &Account, call: Call) -> Result<Answer, ConnectorError> {
        self.ask(account, call).await?.or_refused()
    }

    /// Makes a call with the account's credentials, within its budget; an answer of any status is one.
    ///
    /// # Errors
    /// When no answer comes, or there is no room for the call.
    pub(crate) async fn ask(&self, account: &Account, call: Call) -> Result<Answer, ConnectorError> {
        let url = self.url_of(account, &call)?;
        if call.cost > 0 {
            take_patiently(account, call.cost).await?;
        }
        let (response, token) = self.called(account, &call, &url).await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = answer::read_body(response, account, token.as_ref()).await?;
        Ok(Answer { status, headers, body })
    }

    /// Makes a call, and once more where another access token is to be had; with the token that took the place of the
    /// account's own.
    pub(super) async fn called(
        &self,
        account: &Account,
        call: &Call,
        url: &Url,
    ) -> Result<(reqwest::Response, Option<SecretString>), ConnectorError> {
        let ask = async |token: Option<&SecretString>| {
            let request = authorized(self.inner.request(call.method.clone(), url.clone()), account, token);
            let request = if let Some(body) = &call.body { request.json(body) } else { request };
            measure::send(account, self.deliver(request)).await.map_err(|error| refine(error, &self.reach))
        };
        let token = self.renewal.as_ref().and_then(|renewal| renewal.latest());
        let response = ask(token.as_ref()).await?;
        let Some(renewal) = self.renewal.as_ref().filter(|_| response.status() == StatusCode::UNAUTHORIZED) else {
            return Ok((response, token));
        };
        match renewal.renew(token.as_ref().unwrap_or(account.bearer())).await {
            Some(token) => Ok((ask(Some(&token)).await?, Some(token))),
            None => Ok((response, token)),
        }
    }

    /// A bare call, without a bearer token.
    pub(super) fn get(&self, url: &Url) -> reqwest::RequestBuilder {
        self.inner.get(url.clone())
    }

    /// Sends a request. Whatever is sent from here is sent by this.
    pub(super) async fn deliver(&self, request: reqwest::RequestBuilder) -> reqwest::Result<reqwest::Response> {
        #[cfg(fuzzing)]
        if let Some(script) = &self.script {
            return request.build().map(|_| script.answer());
        }
        request.send().await
    }

    pub(super) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// A bare request, without a bearer token.
    pub(super) fn request(&self, method: Method, url: Url) -> reqwest::RequestBuilder {
        self.inner.request(method, url)
    }

    /// What it means that no answer came.
    pub(super) fn refine(&self, error: reqwest::Error) -> ConnectorError {
        refine(error, &self.reach)
    }

    pub(super) fn url_of(&self, account: &Account, call: &Call) -> Result<Url, ConnectorError> {
        let mut url = account.base_url.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => {
                segments.pop_if_empty().extend(&call.path);
            }
            Err(()) => return Err(not_public()),
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        self.check(&url)?;
        Ok(url)
    }

    /// Refuses what the resolver is never asked about.
    pub(super) fn check(&self, url: &Url) -> Result<(), ConnectorError> {
        match &self.reach {
            Reach::PublicOnly { other_ports } => {
                guard::check_url(url, other_ports).map_err(|guard::NotPublic| not_public())
            }
            Reach::Anywhere => Ok(()),
        }
    }
}

/// Waits for room in the budget where it comes soon: what is asked for meanwhile then shares the next batch.
pub(super) async fn take_patiently(account: &Account, cost: u32) -> Result<(), ConnectorError> {
    let waiting_since = Instant::now();
    while let Err(wait) = account.budget.take(cost).await {
        if waiting_since.elapsed() + wait > PATIENCE {
            return Err(ConnectorError::budget_spent(wait));
        }
        tokio::time::sleep(wait.max(Duration::from_millis(10))).await;
    }
    Ok(())
}

/// One call of a platform.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Segment by segment, not yet encoded.
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
    /// How much of the budget it takes; zero for what the platform does not count.
    pub(crate) cost: u32,
}

impl Call {
    pub(crate) fn get(path: &[&str]) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn post(path: &[&str], body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::POST, path) }
    }

    pub(crate) fn new(method: Method, path: &[&str]) -> Self {
        let path = path.iter().flat_map(|part| part.split('/')).map(str::to_owned).collect();
        Self { method, path, query: Vec::new(), body: None, cost: 1 }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn uncounted(self) -> Self {
        Self { cost: 0, ..self }
    }
}

/// The TLS implementation is chosen once per process; where nobody has, ring is.
fn ensure_tls_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Losing the race means that somebody else has chosen meanwhile.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
}

/// Shows the account's credentials with a request, or the token that took their place.
fn authorized(
    request: reqwest::RequestBuilder,
    account: &Account,
    token: Option<&SecretString>,
) -> reqwest::RequestBuilder {
    let key = token.unwrap_or(account.bearer()).expose_secret();
    match account.shown {
        KeyShown::AsBearer => request.bearer_auth(key),
        KeyShown::AsBasic => {
            let half = match &account.credentials {
                Credentials::ApiKey { secret, .. } => secret.as_ref(),
                Credentials::Bearer { .. } => None,
            };
            request.basic_auth(key, half.map(ExposeSecret::expose_secret))
        }
        KeyShown::InHeader(name) => match HeaderValue::from_str(key) {
            Ok(mut value) => {
                value.set_sensitive(true);
                request.header(name, value)
            }
            // The platform then says that there is no key, which is true.
            Err(_) => request,
        },
        KeyShown::InQuery(name) => request.query(&[(name, key)]),
    }
}

pub(super) fn refine(error: reqwest::Error, reach: &Reach) -> ConnectorError {
    match reach {
        Reach::PublicOnly { .. } if is_not_public(&error) => not_public(),
        Reach::PublicOnly { .. } | Reach::Anywhere => ConnectorError::transport(error),
    }
}

fn is_not_public(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(current) = cause {
        if current.is::<guard::NotPublic>() {
            return true;
        }
        cause = current.source();
    }
    false
}

fn not_public() -> ConnectorError {
    ConnectorError::new(FaultKind::Invalid, "address_not_public", guard::NotPublic.to_string())
}

#[cfg(test)]
mod tests;

//! Bearer tokens: by whose key they are signed, and the rules that they must keep. Where keys come from is `issuer`'s, what was revoked is
//! `listed`'s.

use std::fmt;

use connectors::http::SetupError;
use domain::access::Role;
use domain::id::{TenantId, TokenId};
use domain::time::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use runtime::config::AuthSettings;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::identity::Identity;
use super::issuer::Issuer;
use super::keys::PublicKey;
use crate::refusal::Refusal;

/// How far the issuer's clock may lie behind or ahead of ours, in seconds.
const LEEWAY_SECONDS: u64 = 30;

/// Bytes of a `sub`; `OpenID` Connect allows no more (Core 1.0, section 2).
const SUBJECT_BYTES: usize = 255;

/// What is wrong with a token. Its bearer is not told, who could be trying keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenFault {
    /// It is no token, is not signed by its key, or breaks one of the rules.
    #[error("the token does not hold")]
    Broken(#[from] jsonwebtoken::errors::Error),
    /// It names a key that the issuer does not have.
    #[error("the token's key is not known")]
    UnknownKey,
    /// Its key checks another algorithm than it names.
    #[error("the token's algorithm is not that of its key")]
    WrongAlgorithm,
    /// It asks for something to be understood that we do not know (RFC 7515, section 4.1.11).
    #[error("the token has a critical header")]
    Critical,
    /// Its `sub` cannot be written down.
    #[error("the token's subject is empty, too long, or unprintable")]
    Subject,
    /// It was revoked.
    #[error("the token was revoked")]
    Revoked,
    /// No tokens are taken at all.
    #[error("no key for tokens is configured")]
    NoKey,
}

/// What opens our doors: the keys that tokens are signed with, and the rules that they must keep.
pub(crate) struct Verifier {
    keys: Keys,
    rules: Validation,
}

enum Keys {
    /// Every token is refused.
    None,
    /// HS256, for a single machine.
    Shared(DecodingKey),
    /// The issuer's own.
    Of(Box<Issuer>),
}

/// The claims of a token, as far as they concern us.
#[derive(Deserialize)]
struct Spoken {
    sub: String,
    tenant_id: TenantId,
    /// An issuer may know roles that mean nothing here.
    #[serde(default)]
    roles: Vec<Value>,
    exp: i64,
    /// An issuer names its tokens as it likes; ours are known by the form of their names.
    #[serde(default)]
    jti: Value,
}

impl Verifier {
    /// Accepts what the settings say: tokens of one issuer, or those signed by HS256 with the shared secret. Without
    /// either, every token is refused.
    ///
    /// # Errors
    /// When the system's certificates cannot be used.
    pub(crate) fn new(settings: &AuthSettings) -> Result<Self, SetupError> {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.leeway = LEEWAY_SECONDS;
        rules.validate_nbf = true;
        let mut required = vec!["exp", "sub"];
        if let Some(issuer) = &settings.issuer {
            rules.set_issuer(&[issuer]);
            required.push("iss");
        }
        if let Some(audience) = &settings.audience {
            rules.set_audience(&[audience]);
            required.push("aud");
        }
        rules.set_required_spec_claims(&required);
        let keys = match (&settings.jwks_url, &settings.hs256_secret) {
            (Some(url), _) => Keys::Of(Box::new(Issuer::new(url.clone())?)),
            (None, Some(secret)) => Keys::Shared(DecodingKey::from_secret(secret.expose_secret().as_bytes())),
            (None, None) => Keys::None,
        };
        Ok(Self { keys, rules })
    }

    /// Whom a token makes its bearer.
    pub(crate) async fn verify(&self, token: &str) -> Result<Identity, Refusal> {
        let header = jsonwebtoken::decode_header(token).map_err(broken)?;
        if header.crit.is_some() {
            return Err(Refusal::BadToken(TokenFault::Critical));
        }
        let (algorithm, key) = self.key_for(&header).await?;
        let mut rules = self.rules.clone();
        // The key decides, whatever the token's header says.
        rules.algorithms = vec![algorithm];
        let spoken = jsonwebtoken::decode::<Spoken>(token, &key, &rules).map_err(broken)?.claims;
        identity(spoken)
    }

    /// Keeps the issuer's keys fresh, where there is one, until `shutdown`.
    pub(crate) async fn keep_fresh(&self, shutdown: &CancellationToken) {
        if let Keys::Of(issuer) = &self.keys {
            issuer.keep_fresh(shutdown).await;
        }
    }

    async fn key_for(&self, header: &Header) -> Result<(Algorithm, DecodingKey), Refusal> {
        match &self.keys {
            Keys::None => Err(Refusal::BadToken(TokenFault::NoKey)),
            Keys::Shared(key) => Ok((Algorithm::HS256, key.clone())),
            Keys::Of(issuer) => {
                let PublicKey { algorithm, key, .. } = issuer.key(header.kid.as_deref(), header.alg).await?;
                Ok((algorithm, key))
            }
        }
    }
}

fn broken(error: jsonwebtoken::errors::Error) -> Refusal {
    Refusal::BadToken(TokenFault::Broken(error))
}

fn identity(spoken: Spoken) -> Result<Identity, Refusal> {
    let Spoken { sub, tenant_id, roles, exp, jti } = spoken;
    if sub.is_empty() || sub.len() > SUBJECT_BYTES || sub.chars().any(char::is_control) {
        return Err(Refusal::BadToken(TokenFault::Subject));
    }
    let roles = roles.into_iter().filter_map(|role| serde_json::from_value::<Role>(role).ok()).collect();
    let expires_at = exp.checked_mul(1_000).and_then(Timestamp::from_millis);
    // A time beyond all calendars is one that does not come.
    let expires_at = expires_at.unwrap_or_else(|| Timestamp::now().plus(FOREVER));
    let token = serde_json::from_value::<TokenId>(jti).ok();
    Ok(Identity { tenant_id, sub, roles, expires_at, token, session: None })
}

/// Longer than anything here lives.
const FOREVER: std::time::Duration = std::time::Duration::from_hours(365 * 24);

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(***)")
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::EncodingKey;
    use serde_json::json;

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn settings(more: &[(&str, &str)]) -> AuthSettings {
        let secret = [("HS256_SECRET", SECRET)];
        let variables = secret.iter().chain(more);
        let variables = variables.map(|(name, value)| (format!("COCCINELLE__AUTH__{name}"), (*value).to_owned()));
        runtime::config::read(None, variables).unwrap().auth
    }

    fn claims(lifetime: i64) -> Value {
        let now = Timestamp::now().as_millis() / 1_000;
        json!({ "sub": "someone", "tenant_id": TenantId::new(), "roles": ["viewer"], "iat": now, "exp": now + lifetime })
    }

    fn with(name: &str, value: impl Into<Value>) -> Value {
        let mut claims = claims(60);
        claims[name] = value.into();
        claims
    }

    fn signed(algorithm: Algorithm, claims: &Value) -> String {
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        jsonwebtoken::encode(&Header::new(algorithm), claims, &key).unwrap()
    }

    async fn verdict(token: &str) -> Result<Identity, Refusal> {
        Verifier::new(&settings(&[])).unwrap().verify(token).await
    }

    #[tokio::test]
    async fn a_token_that_is_signed_with_the_secret_says_who_asks() {
        let claims = with("roles", json!(["viewer", "billing", 3]));
        let identity = verdict(&signed(Algorithm::HS256, &claims)).await.unwrap();
        assert_eq!((identity.sub.as_str(), identity.roles), ("someone", vec![Role::Viewer]));
        assert_eq!(identity.tenant_id.to_string(), claims["tenant_id"]);
    }

    #[tokio::test]
    async fn a_clock_that_runs_a_little_ahead_does_no_harm_and_a_real_expiry_does() {
        verdict(&signed(Algorithm::HS256, &claims(-5))).await.unwrap();
        let now = Timestamp::now().as_millis() / 1_000;
        verdict(&signed(Algorithm::HS256, &with("nbf", now + 5))).await.unwrap();
        for late in [claims(-60), with("nbf", now + 60)] {
            let refused = verdict(&signed(Algorithm::HS256, &late)).await.unwrap_err();
            assert!(matches!(refused, Refusal::BadToken(TokenFault::Broken(_))), "{refused}");
        }
    }

    #[tokio::test]
    async fn refuses_every_other_algorithm_and_none_at_all() {
        let other = signed(Algorithm::HS512, &claims(60));
        // {"typ":"JWT","alg":"none"}
        let said = signed(Algorithm::HS256, &claims(60)).split('.').nth(1).unwrap().to_owned();
        let unsigned = format!("eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.{said}.");
        let critical = Header { crit: Some(vec!["b64".to_owned()]), ..Header::new(Algorithm::HS256) };
        let critical =
            jsonwebtoken::encode(&critical, &claims(60), &EncodingKey::from_secret(SECRET.as_bytes())).unwrap();
        for refused in [other, unsigned, critical, "x.y.z".to_owned(), String::new()] {
            assert!(matches!(verdict(&refused).await, Err(Refusal::BadToken(_))), "{refused}");
        }
    }

    #[tokio::test]
    async fn refuses_a_token_signed_with_another_secret_and_any_token_where_none_is_configured() {
        let key = EncodingKey::from_secret(b"another secret of the same kind!");
        let forged = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims(60), &key).unwrap();
        assert!(matches!(verdict(&forged).await, Err(Refusal::BadToken(_))));
        let closed = Verifier::new(&AuthSettings { hs256_secret: None, ..settings(&[]) }).unwrap();
        let good = signed(Algorithm::HS256, &claims(60));
        assert!(matches!(closed.verify(&good).await, Err(Refusal::BadToken(TokenFault::NoKey))));
    }

    #[tokio::test]
    async fn a_subject_can_be_written_down() {
        for sub in ["", "a\nb", &"x".repeat(256)] {
            let refused = verdict(&signed(Algorithm::HS256, &with("sub", sub))).await;
            assert!(matches!(refused, Err(Refusal::BadToken(TokenFault::Subject))), "{sub:?}");
        }
    }

    #[tokio::test]
    async fn issuer_and_audience_must_be_those_that_are_configured() {
        let settings = settings(&[("ISSUER", "https://login.example"), ("AUDIENCE", "integrations")]);
        let verifier = Verifier::new(&settings).unwrap();
        let said = |issuer: &str, audience: Value| {
            let mut claims = claims(60);
            claims["iss"] = issuer.into();
            claims["aud"] = audience;
            signed(Algorithm::HS256, &claims)
        };
        verifier.verify(&said("https://login.example", json!("integrations"))).await.unwrap();
        verifier.verify(&said("https://login.example", json!(["billing", "integrations"]))).await.unwrap();
        for refused in [
            said("https://login.example", json!("billing")),
            said("https://login.example.evil", json!("integrations")),
            signed(Algorithm::HS256, &claims(60)),
        ] {
            assert!(matches!(verifier.verify(&refused).await, Err(Refusal::BadToken(_))), "{refused}");
        }
    }
}

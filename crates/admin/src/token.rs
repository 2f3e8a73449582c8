//! Issuing a bearer token. Checking it is `api-gateway`'s.

use anyhow::Context;
use chrono::{TimeDelta, Utc};
use domain::access::{Claims, ClaimsSet, Role};
use domain::time::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use runtime::config::{self, AuthSettings};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::command::IssueToken;

/// Signs a token; returns it.
pub(crate) fn issue(wish: &IssueToken) -> anyhow::Result<String> {
    let settings = config::load()?.auth;
    let (issued_at, ttl) = (Utc::now(), TimeDelta::from_std(wish.ttl).context("`--ttl` is too long")?);
    let expires_at = issued_at.checked_add_signed(ttl).context("`--ttl` is too long")?;
    let claims = Claims {
        sub: wish.subject.clone(),
        tenant_id: wish.tenant,
        roles: wish.roles.iter().copied().map(Role::from).collect(),
        iat: issued_at.timestamp(),
        exp: expires_at.timestamp(),
        // Not listed: whoever can run this has the key itself.
        jti: None,
    };
    let token = sign(&claims, &settings)?;
    let said = json!({ "token": token, "expires_at": Timestamp::from(expires_at) });
    Ok(if wish.json { said.to_string() } else { token })
}

/// A token that the gateway takes under the same settings.
fn sign(claims: &Claims, settings: &AuthSettings) -> anyhow::Result<String> {
    let secret =
        settings.hs256_secret.as_ref().context("the setting `auth.hs256_secret` is missing: it signs tokens")?;
    let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
    let said = ClaimsSet { claims, iss: settings.issuer.as_deref(), aud: settings.audience.as_deref() };
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &said, &key).context("the token cannot be signed")
}

#[cfg(test)]
mod tests {
    use domain::id::TenantId;
    use jsonwebtoken::{DecodingKey, Validation};

    use super::*;

    const SECRET: (&str, &str) = ("HS256_SECRET", "0123456789abcdef0123456789abcdef");

    fn settings(variables: &[(&str, &str)]) -> AuthSettings {
        let variables =
            variables.iter().map(|(name, value)| (format!("COCCINELLE__AUTH__{name}"), (*value).to_owned()));
        config::read(None, variables).unwrap().auth
    }

    fn claims() -> Claims {
        Claims {
            sub: "demo".to_owned(),
            tenant_id: TenantId::new(),
            roles: vec![Role::Admin, Role::Service],
            iat: Utc::now().timestamp(),
            exp: Utc::now().timestamp() + 60,
            jti: None,
        }
    }

    #[test]
    fn a_token_carries_its_claims_and_opens_with_its_key_only() {
        let claims = claims();
        let token = sign(&claims, &settings(&[SECRET])).unwrap();
        let open = |key: &str| {
            let key = DecodingKey::from_secret(key.as_bytes());
            jsonwebtoken::decode::<Claims>(&token, &key, &Validation::new(Algorithm::HS256))
        };
        assert_eq!(open("0123456789abcdef0123456789abcdef").unwrap().claims, claims);
        assert!(open("another key of some length, but not this").is_err());
        assert!(sign(&claims, &settings(&[])).unwrap_err().to_string().contains("auth.hs256_secret"));
    }

    #[test]
    fn a_token_names_the_issuer_and_the_audience_that_the_settings_demand() {
        let demanding = settings(&[SECRET, ("ISSUER", "https://login.example"), ("AUDIENCE", "integrations")]);
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_issuer(&["https://login.example"]);
        rules.set_audience(&["integrations"]);
        rules.set_required_spec_claims(&["exp", "sub", "iss", "aud"]);
        let key = DecodingKey::from_secret(SECRET.1.as_bytes());
        let open =
            |settings: &AuthSettings| jsonwebtoken::decode::<Claims>(&sign(&claims(), settings).unwrap(), &key, &rules);
        assert_eq!(open(&demanding).unwrap().claims.sub, "demo");
        assert!(open(&settings(&[SECRET])).is_err());
    }
}

//! Issuing a bearer token. Checking it is `api-gateway`'s.

use anyhow::Context;
use chrono::{TimeDelta, Utc};
use domain::access::{Claims, Role};
use domain::time::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use runtime::config;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::command::IssueToken;

/// Signs a token; returns it.
pub(crate) fn issue(wish: &IssueToken) -> anyhow::Result<String> {
    let secret =
        config::load()?.auth.hs256_secret.context("the setting `auth.hs256_secret` is missing: it signs tokens")?;
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
    let token = sign(&claims, &secret)?;
    let said = json!({ "token": token, "expires_at": Timestamp::from(expires_at) });
    Ok(if wish.json { said.to_string() } else { token })
}

fn sign(claims: &Claims, secret: &SecretString) -> anyhow::Result<String> {
    let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).context("the token cannot be signed")
}

#[cfg(test)]
mod tests {
    use domain::id::TenantId;
    use jsonwebtoken::{DecodingKey, Validation};

    use super::*;

    #[test]
    fn a_token_carries_its_claims_and_opens_with_its_key_only() {
        let claims = Claims {
            sub: "demo".to_owned(),
            tenant_id: TenantId::new(),
            roles: vec![Role::Admin, Role::Service],
            iat: Utc::now().timestamp(),
            exp: Utc::now().timestamp() + 60,
            jti: None,
        };
        let token = sign(&claims, &SecretString::from("0123456789abcdef0123456789abcdef")).unwrap();
        let open = |key: &str| {
            let key = DecodingKey::from_secret(key.as_bytes());
            jsonwebtoken::decode::<Claims>(&token, &key, &Validation::new(Algorithm::HS256))
        };
        assert_eq!(open("0123456789abcdef0123456789abcdef").unwrap().claims, claims);
        assert!(open("another key of some length, but not this").is_err());
    }
}

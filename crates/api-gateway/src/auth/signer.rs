//! Signing tokens for a tenant's programs, where tokens are signed with a shared secret. Checking them is `token`'s.

use std::fmt;

use domain::access::{Claims, ClaimsSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use runtime::config::AuthSettings;
use runtime::http::Problem;
use secrecy::{ExposeSecret as _, SecretString};

/// What signs tokens: they are those that `token` takes under the same settings.
pub(crate) struct Signer {
    key: EncodingKey,
    issuer: Option<String>,
    audience: Option<String>,
}

impl Signer {
    /// A signer with the shared secret; `None` where tokens are signed elsewhere.
    pub(crate) fn new(settings: &AuthSettings) -> Option<Self> {
        let secret = settings.hs256_secret.as_ref()?;
        let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
        Some(Self { key, issuer: settings.issuer.clone(), audience: settings.audience.clone() })
    }

    /// The token with these claims: for the same ones, always the same.
    pub(crate) fn sign(&self, claims: &Claims) -> Result<SecretString, Problem> {
        let said = ClaimsSet { claims, iss: self.issuer.as_deref(), aud: self.audience.as_deref() };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &said, &self.key).map(SecretString::from).map_err(
            |error| {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "a token was not signed");
                Problem::internal()
            },
        )
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(***)")
    }
}

#[cfg(test)]
mod tests {
    use domain::access::Role;
    use domain::id::{TenantId, TokenId};
    use domain::time::Timestamp;

    use super::*;
    use crate::auth::Verifier;

    fn settings(more: &[(&str, &str)]) -> AuthSettings {
        let variables = more.iter().map(|(name, value)| (format!("COCCINELLE__AUTH__{name}"), (*value).to_owned()));
        runtime::config::read(None, variables).unwrap().auth
    }

    #[tokio::test]
    async fn what_is_signed_is_taken_under_the_same_settings_and_is_the_same_each_time() {
        let secret = ("HS256_SECRET", "0123456789abcdef0123456789abcdef");
        let now = Timestamp::now().as_millis() / 1_000;
        let claims = Claims {
            sub: "CRM".to_owned(),
            tenant_id: TenantId::new(),
            roles: vec![Role::Service],
            iat: now,
            exp: now + 60,
            jti: Some(TokenId::new()),
        };
        for settings in [
            settings(&[secret]),
            settings(&[secret, ("ISSUER", "https://login.example"), ("AUDIENCE", "integrations")]),
        ] {
            let signer = Signer::new(&settings).unwrap();
            let token = signer.sign(&claims).unwrap();
            assert_eq!(signer.sign(&claims).unwrap().expose_secret(), token.expose_secret());
            let identity = Verifier::new(&settings).unwrap().verify(token.expose_secret()).await.unwrap();
            assert_eq!((identity.token, identity.sub), (claims.jti, claims.sub.clone()));
        }
        assert!(Signer::new(&settings(&[])).is_none());
    }
}

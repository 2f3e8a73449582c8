//! Who asks: bearer tokens, and the permission that a handler names in its signature. Issuing tokens is `admin`'s.

use std::fmt;
use std::future::{Ready, ready};
use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use domain::access::{Claims, Role};
use domain::id::TenantId;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use runtime::http::Problem;
use secrecy::{ExposeSecret as _, SecretString};

use crate::refusal::Refusal;

/// How far the issuer's clock may lie behind or ahead of ours, in seconds.
const LEEWAY_SECONDS: u64 = 30;

/// What opens our doors: the key that tokens are signed with, and the rules that they must keep.
pub(crate) struct Verifier {
    key: Option<DecodingKey>,
    validation: Validation,
}

impl Verifier {
    /// Accepts tokens signed by HS256 with this secret, and no other algorithm, whatever a token's header says.
    ///
    /// Without a secret, every token is refused.
    pub(crate) fn hs256(secret: Option<&SecretString>) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_SECONDS;
        validation.set_required_spec_claims(&["exp", "sub"]);
        let key = secret.map(|secret| DecodingKey::from_secret(secret.expose_secret().as_bytes()));
        Self { key, validation }
    }

    fn claims(&self, request: &HttpRequest) -> Result<Claims, Refusal> {
        let token = bearer(request).ok_or(Refusal::NoToken)?;
        let key = self.key.as_ref().ok_or_else(|| Refusal::BadToken(ErrorKind::InvalidSignature.into()))?;
        let decoded = jsonwebtoken::decode::<Claims>(token, key, &self.validation);
        decoded.map(|decoded| decoded.claims).map_err(Refusal::BadToken)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(***)")
    }
}

/// The token of an `Authorization: Bearer` header; the scheme's name is not case-sensitive (RFC 9110, section 11.1).
fn bearer(request: &HttpRequest) -> Option<&str> {
    let (scheme, token) = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What a handler asks of its caller.
pub(crate) trait Permission: 'static {
    /// The roles of which the caller needs one.
    const ROLES: &'static [Role];
}

/// May look.
#[derive(Debug)]
pub(crate) struct Viewing;

impl Permission for Viewing {
    const ROLES: &'static [Role] = &[Role::Viewer, Role::Admin];
}

/// May change.
#[derive(Debug)]
pub(crate) struct Administration;

impl Permission for Administration {
    const ROLES: &'static [Role] = &[Role::Admin];
}

/// May hand over events.
#[derive(Debug)]
pub(crate) struct Intake;

impl Permission for Intake {
    const ROLES: &'static [Role] = &[Role::Service, Role::Admin];
}

/// Someone whose token is good and who has the permission `P`: only for these does a handler run.
#[derive(Debug)]
pub(crate) struct Caller<P> {
    /// For which tenant they ask.
    pub(crate) tenant_id: TenantId,
    /// Who they are, as their token says.
    pub(crate) sub: String,
    /// What their token allows them.
    pub(crate) roles: Vec<Role>,
    permission: PhantomData<P>,
}

/// Looks: a viewer or an admin.
pub(crate) type Viewer = Caller<Viewing>;
/// Changes: an admin.
pub(crate) type Admin = Caller<Administration>;
/// Hands over events: Coccinelle's backend or an admin.
pub(crate) type Service = Caller<Intake>;

impl<P: Permission> FromRequest for Caller<P> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admit::<P>(request).map_err(Problem::from))
    }
}

fn admit<P: Permission>(request: &HttpRequest) -> Result<Caller<P>, Refusal> {
    let verifier = request.app_data::<web::Data<Verifier>>().ok_or(Refusal::NoToken)?;
    let claims = verifier.claims(request)?;
    if P::ROLES.iter().any(|role| claims.roles.contains(role)) {
        let Claims { tenant_id, sub, roles, .. } = claims;
        Ok(Caller { tenant_id, sub, roles, permission: PhantomData })
    } else {
        Err(Refusal::WrongRole)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use domain::time::Timestamp;
    use jsonwebtoken::{EncodingKey, Header};

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn claims(lifetime: i64) -> Claims {
        let now = Timestamp::now().as_millis() / 1_000;
        Claims {
            sub: "someone".to_owned(),
            tenant_id: TenantId::new(),
            roles: vec![Role::Viewer],
            iat: now,
            exp: now + lifetime,
        }
    }

    fn token(algorithm: Algorithm, lifetime: i64) -> String {
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        jsonwebtoken::encode(&Header::new(algorithm), &claims(lifetime), &key).unwrap()
    }

    fn verdict(authorization: &str) -> Result<Claims, Refusal> {
        let request = TestRequest::default().insert_header((header::AUTHORIZATION, authorization)).to_http_request();
        Verifier::hs256(Some(&SECRET.into())).claims(&request)
    }

    #[test]
    fn accepts_a_token_signed_with_the_secret_whatever_the_case_of_the_scheme() {
        for scheme in ["Bearer", "bearer", "BEARER"] {
            verdict(&format!("{scheme} {}", token(Algorithm::HS256, 60))).unwrap();
        }
    }

    #[test]
    fn a_clock_that_runs_a_little_ahead_does_no_harm_and_a_real_expiry_does() {
        verdict(&format!("Bearer {}", token(Algorithm::HS256, -5))).unwrap();
        let refused = verdict(&format!("Bearer {}", token(Algorithm::HS256, -60))).unwrap_err();
        assert!(matches!(refused, Refusal::BadToken(_)), "{refused}");
    }

    #[test]
    fn refuses_every_other_algorithm_and_none_at_all() {
        let other = format!("Bearer {}", token(Algorithm::HS512, 60));
        // {"typ":"JWT","alg":"none"}
        let claims = token(Algorithm::HS256, 60).split('.').nth(1).unwrap().to_owned();
        let unsigned = format!("Bearer eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.{claims}.");
        for refused in [other, unsigned, "Bearer x.y.z".to_owned(), "Bearer ".to_owned()] {
            assert!(matches!(verdict(&refused), Err(Refusal::BadToken(_))), "{refused}");
        }
        assert!(matches!(verdict("Basic dTpw"), Err(Refusal::NoToken)));
    }

    #[test]
    fn refuses_a_token_signed_with_another_secret() {
        let key = EncodingKey::from_secret(b"another secret of the same kind!");
        let forged = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims(60), &key).unwrap();
        assert!(matches!(verdict(&format!("Bearer {forged}")), Err(Refusal::BadToken(_))));
    }
}

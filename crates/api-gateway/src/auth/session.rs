//! A browser's session: its cookie, who stands behind it, and the token that its pages show when they change something.
//! Beginning and ending one is `sessions`'s.

use actix_web::HttpRequest;
use actix_web::cookie::time::OffsetDateTime;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{HOST, HeaderName, ORIGIN};
use domain::id::TenantId;
use domain::time::Timestamp;
use persistence::{Database, Scope, sessions};
use runtime::http::Problem;
use secrecy::{ExposeSecret as _, SecretString};

use super::identity::Identity;
use crate::refusal::Refusal;

/// Characters of the secret in a cookie.
const SECRET_CHARS: usize = 43;

/// Between a cookie's tenant and its secret; neither has it in its own text.
const SEPARATOR: char = '.';

/// How our cookies are written and read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cookies {
    /// Whether they travel by HTTPS only.
    pub(crate) secure: bool,
}

/// The session by which somebody is known.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// What is kept of its secret.
    pub(crate) id_hash: String,
    /// What its pages must show when they change something.
    pub(crate) csrf_token: String,
}

impl Cookies {
    /// The cookie's name. Browsers take one that begins with `__Host-` only by HTTPS, and only from this very host.
    fn name(self) -> &'static str {
        if self.secure { "__Host-coccinelle_session" } else { "coccinelle_session" }
    }

    /// The value of our cookie.
    pub(crate) fn find(self, request: &HttpRequest) -> Option<String> {
        Some(request.cookie(self.name())?.value().to_owned())
    }

    /// The secret in our cookie.
    pub(crate) fn secret(self, request: &HttpRequest) -> Option<String> {
        Some(self.find(request)?.split_once(SEPARATOR)?.1.to_owned())
    }

    /// The cookie of a session that lives until then.
    pub(crate) fn with(self, tenant: TenantId, secret: &SecretString, until: Timestamp) -> Cookie<'static> {
        let value = format!("{tenant}{SEPARATOR}{}", secret.expose_secret());
        let until = OffsetDateTime::from_unix_timestamp(until.as_millis() / 1_000);
        self.cookie(value, until.unwrap_or(OffsetDateTime::UNIX_EPOCH))
    }

    /// What makes a browser forget the cookie.
    pub(crate) fn without(self) -> Cookie<'static> {
        self.cookie(String::new(), OffsetDateTime::UNIX_EPOCH)
    }

    fn cookie(self, value: String, until: OffsetDateTime) -> Cookie<'static> {
        let cookie = Cookie::build(self.name(), value).path("/").expires(until);
        cookie.http_only(true).secure(self.secure).same_site(SameSite::Lax).finish()
    }
}

impl Session {
    /// What a session's secret makes of it. Neither part leads back to the secret, nor to the other.
    pub(crate) fn of(secret: &str) -> Self {
        let part = |purpose| vault::fingerprint(purpose, &[secret.as_bytes()]);
        Self { id_hash: part("session"), csrf_token: part("session-csrf") }
    }
}

/// Who stands behind a cookie. What has not even the form of one is refused without asking the database.
pub(crate) async fn recognise(database: &Database, cookie: &str) -> Result<Identity, Problem> {
    let (tenant, secret) = cookie.split_once(SEPARATOR).ok_or(Refusal::NoSession)?;
    let tenant_id: TenantId = tenant.parse().ok().ok_or(Refusal::NoSession)?;
    if secret.len() != SECRET_CHARS {
        return Err(Refusal::NoSession.into());
    }
    let session = Session::of(secret);
    // Scoped by what the cookie claims: another tenant's session is not even seen.
    let mut tx = database.begin(Scope::Tenant(tenant_id)).await?;
    let found = sessions::find(&mut tx, tenant_id, &session.id_hash).await?;
    tx.commit().await?;
    let sessions::Session { sub, roles, expires_at, token } = found.ok_or(Refusal::NoSession)?;
    Ok(Identity { tenant_id, sub, roles, expires_at, token, session: Some(session) })
}

/// Refuses a write by cookie that another site could have made a browser send. It must show the session's token: in its
/// header, or in the field of a form (`shown`).
pub(crate) fn check_origin(request: &HttpRequest, session: &Session, shown: Option<&str>) -> Result<(), Refusal> {
    if request.method().is_safe() {
        return Ok(());
    }
    let shown = header(request, HeaderName::from_static("x-csrf-token")).or(shown).unwrap_or_default();
    let is_good = is_ours(request) && vault::is_same(&session.csrf_token, shown);
    if is_good { Ok(()) } else { Err(Refusal::Forged) }
}

/// Whether one of our own pages makes a request. The browser itself says where one comes from, and no page can make it lie.
/// An old one says only `Origin`.
pub(crate) fn is_ours(request: &HttpRequest) -> bool {
    match header(request, HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == "same-origin",
        None => header(request, ORIGIN).zip(header(request, HOST)).is_some_and(|(origin, host)| {
            origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
        }),
    }
}

fn header(request: &HttpRequest, name: HeaderName) -> Option<&str> {
    request.headers().get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_cookie_is_kept_from_scripts_other_sites_and_plain_http() {
        let secret = vault::new_secret().unwrap();
        let tenant = TenantId::new();
        let until = Timestamp::parse("2026-11-25T10:00:00Z").unwrap();
        let cookie = Cookies { secure: true }.with(tenant, &secret, until).to_string();
        let expected = format!(
            "__Host-coccinelle_session={tenant}.{}; HttpOnly; SameSite=Lax; Secure; Path=/; \
             Expires=Wed, 25 Nov 2026 10:00:00 GMT",
            secret.expose_secret()
        );
        assert_eq!(cookie, expected);
        let relaxed = Cookies { secure: false }.without().to_string();
        assert_eq!(
            relaxed,
            "coccinelle_session=; HttpOnly; SameSite=Lax; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
        );
    }

    fn verdict(method: Method, headers: &[(&str, &str)]) -> bool {
        let mut request = TestRequest::default().method(method).insert_header(("host", "app.example:8443"));
        for header in headers {
            request = request.append_header(*header);
        }
        check_origin(&request.to_http_request(), &Session::of("secret"), None).is_ok()
    }

    #[test]
    fn a_write_needs_the_sessions_token_and_an_origin_of_our_own() {
        let token = Session::of("secret").csrf_token;
        let good = ("x-csrf-token", token.as_str());
        let ours = ("origin", "https://app.example:8443");
        let site = |site| ("sec-fetch-site", site);
        assert!(verdict(Method::GET, &[]), "looking changes nothing");
        assert!(verdict(Method::POST, &[good, ours]));
        assert!(verdict(Method::DELETE, &[good, site("same-origin")]));
        let other = Session::of("another").csrf_token;
        for refused in [
            vec![],
            vec![good],
            vec![ours],
            vec![("x-csrf-token", &other), ours],
            vec![("x-csrf-token", ""), ours],
            vec![good, ("origin", "https://app.example")],
            vec![good, ("origin", "https://evil.example")],
            vec![good, ("origin", "null")],
            vec![good, site("same-site")],
            vec![good, site("cross-site"), ours],
            vec![good, site("none")],
        ] {
            assert!(!verdict(Method::POST, &refused), "{refused:?}");
        }
    }
}

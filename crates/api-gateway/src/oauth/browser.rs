//! What binds a consent to the browser in which it was begun: a cookie, and what state and proof are made of it.

use std::future::{Ready, ready};

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use connectors::oauth::Pkce;
use domain::id::TenantId;
use runtime::http::Problem;
use secrecy::{ExposeSecret as _, SecretString};
use vault::VaultError;

use super::LIFE;
use crate::auth::Cookies;
use crate::door::Door;

/// Characters of the secret in the cookie.
const SECRET_CHARS: usize = 43;

/// Between a state's tenant and its secret; neither has it in its own text.
const SEPARATOR: char = '.';

/// A browser that begins or ends a consent.
#[derive(Clone, Debug)]
pub(super) struct Browser {
    secret: SecretString,
}

impl Browser {
    /// The browser behind a request that has been here before.
    pub(super) fn known(cookies: Cookies, request: &HttpRequest) -> Option<Self> {
        let value = request.cookie(name(cookies))?.value().to_owned();
        let fits =
            value.len() == SECRET_CHARS && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        fits.then(|| Self { secret: value.into() })
    }

    /// The browser behind a request, a new one where it has not been here before; two tabs in which accounts are connected at once are one.
    pub(super) fn of(cookies: Cookies, request: &HttpRequest) -> Result<Self, VaultError> {
        match Self::known(cookies, request) {
            Some(known) => Ok(known),
            None => Ok(Self { secret: vault::new_secret()? }),
        }
    }

    /// The cookie by which it is known again. It comes back from the platform's page, so `Lax`; nothing is changed by it alone.
    pub(super) fn cookie(&self, cookies: Cookies) -> Cookie<'static> {
        let life = Duration::try_from(LIFE).unwrap_or(Duration::ZERO);
        Cookie::build(name(cookies), self.secret.expose_secret().to_owned())
            .path("/")
            .max_age(life)
            .http_only(true)
            .secure(cookies.secure)
            .same_site(SameSite::Lax)
            .finish()
    }

    /// What is kept of it.
    pub(super) fn hash(&self) -> String {
        vault::fingerprint("oauth-browser", &[self.secret.expose_secret().as_bytes()])
    }

    /// The proof that goes with a state. Only this browser can bring it again, so it is kept nowhere.
    pub(super) fn proof(&self, state: &State) -> Pkce {
        let parts = [self.secret.expose_secret().as_bytes(), state.text.expose_secret().as_bytes()];
        Pkce::of(vault::fingerprint("oauth-proof", &parts).into())
    }
}

/// A browser that asks to begin a consent.
#[derive(Debug)]
pub(crate) struct Asking {
    /// It.
    pub(super) browser: Browser,
    /// How its cookie is written.
    pub(super) cookies: Cookies,
}

impl FromRequest for Asking {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let cookies = request.app_data::<web::Data<Door>>().map_or(Cookies { secure: true }, |door| door.cookies);
        ready(Browser::of(cookies, request).map(|browser| Self { browser, cookies }).map_err(Problem::from))
    }
}

fn name(cookies: Cookies) -> &'static str {
    if cookies.secure { "__Host-coccinelle_oauth" } else { "coccinelle_oauth" }
}

/// What travels through the platform's page.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// Whose consent it is; by that it is looked for.
    pub(super) tenant: TenantId,
    text: SecretString,
}

impl State {
    /// A new one.
    pub(super) fn new(tenant: TenantId) -> Result<Self, VaultError> {
        let secret = vault::new_secret()?;
        Ok(Self { tenant, text: format!("{tenant}{SEPARATOR}{}", secret.expose_secret()).into() })
    }

    /// One that came back; `None` where it is not of the form of ours.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (tenant, secret) = text.split_once(SEPARATOR)?;
        let tenant = tenant.parse().ok()?;
        (secret.len() == SECRET_CHARS).then(|| Self { tenant, text: text.to_owned().into() })
    }

    /// It, as it travels.
    pub(super) fn text(&self) -> &str {
        self.text.expose_secret()
    }

    /// What is kept of it.
    pub(super) fn hash(&self) -> String {
        vault::fingerprint("oauth-state", &[self.text().as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const COOKIES: Cookies = Cookies { secure: true };

    #[test]
    fn a_browser_is_known_by_its_cookie_and_another_makes_another_proof() {
        let nobody = TestRequest::default().to_http_request();
        let (one, other) = (Browser::of(COOKIES, &nobody).unwrap(), Browser::of(COOKIES, &nobody).unwrap());
        let back = TestRequest::default().cookie(one.cookie(COOKIES)).to_http_request();
        let again = Browser::known(COOKIES, &back).unwrap();
        assert_eq!(again.hash(), one.hash());
        assert_ne!(other.hash(), one.hash());
        let state = State::new(TenantId::new()).unwrap();
        assert_eq!(again.proof(&state).challenge, one.proof(&state).challenge);
        assert_ne!(other.proof(&state).challenge, one.proof(&state).challenge);
        assert_eq!(State::read(state.text()).unwrap().hash(), state.hash());
        let verifier = one.proof(&state).verifier;
        assert!((43..=128).contains(&verifier.expose_secret().len()));
    }

    #[test]
    fn what_is_no_cookie_or_state_of_ours_is_none() {
        for value in ["", "short", &"=".repeat(SECRET_CHARS)] {
            let cookie = Cookie::new("__Host-coccinelle_oauth", value.to_owned());
            assert!(Browser::known(COOKIES, &TestRequest::default().cookie(cookie).to_http_request()).is_none());
        }
        for text in ["", "x", ".", "ten_x.abc", &format!("{}.short", TenantId::new()), &"a".repeat(90)] {
            assert!(State::read(text).is_none(), "{text}");
        }
    }
}

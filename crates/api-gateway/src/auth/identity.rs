//! Who somebody is, once it is proved, and what they show to prove it. How it is proved is `token`'s and `session`'s.

use actix_web::HttpRequest;
use actix_web::http::header;
use domain::access::Role;
use domain::id::{TenantId, TokenId};
use domain::time::Timestamp;

use super::session::{Cookies, Session};

/// Somebody whose credential is good.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// For which tenant they ask.
    pub(crate) tenant_id: TenantId,
    /// Who they are, in the words of whoever issued the token.
    pub(crate) sub: String,
    /// What they may do.
    pub(crate) roles: Vec<Role>,
    /// Until when they are known.
    pub(crate) expires_at: Timestamp,
    /// The listed token that they are known by, or that began their session; `None` where it was another one.
    pub(crate) token: Option<TokenId>,
    /// The session by which they are known; `None` where a token says it.
    pub(crate) session: Option<Session>,
}

/// What a request shows. A token goes before a cookie: it was put there on purpose, a cookie by the browser.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    /// A bearer token.
    Bearer(String),
    /// A session's cookie.
    Cookie(String),
    /// Nothing.
    Nothing,
}

impl Credential {
    /// The credential of a request.
    pub(crate) fn of(request: &HttpRequest, cookies: &Cookies) -> Self {
        match (bearer(request), cookies.find(request)) {
            (Some(token), _) => Self::Bearer(token.to_owned()),
            (None, Some(cookie)) => Self::Cookie(cookie),
            (None, None) => Self::Nothing,
        }
    }
}

/// The token of an `Authorization: Bearer` header; the scheme's name is not case-sensitive (RFC 9110, section 11.1).
fn bearer(request: &HttpRequest) -> Option<&str> {
    let (scheme, token) = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use actix_web::cookie::Cookie;
    use actix_web::test::TestRequest;

    use super::*;

    fn shown(authorization: Option<&str>, cookie: Option<&str>) -> Credential {
        let mut request = TestRequest::default();
        if let Some(authorization) = authorization {
            request = request.insert_header((header::AUTHORIZATION, authorization));
        }
        if let Some(cookie) = cookie {
            request = request.cookie(Cookie::new("__Host-coccinelle_session", cookie));
        }
        Credential::of(&request.to_http_request(), &Cookies { secure: true })
    }

    #[test]
    fn a_token_is_read_whatever_the_case_of_its_scheme_and_goes_before_a_cookie() {
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let shown = shown(Some(&format!("{scheme} x.y.z")), Some("a cookie"));
            assert!(matches!(shown, Credential::Bearer(token) if token == "x.y.z"));
        }
    }

    #[test]
    fn what_is_no_token_is_none() {
        assert!(matches!(shown(Some("Basic dTpw"), Some("c")), Credential::Cookie(cookie) if cookie == "c"));
        for authorization in [None, Some("Basic dTpw"), Some("Bearer"), Some("")] {
            assert!(matches!(shown(authorization, None), Credential::Nothing), "{authorization:?}");
        }
    }
}

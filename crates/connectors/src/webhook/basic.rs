//! Deliveries that bring a name and a password instead of a signature (RFC 7617): whoever sends them, nothing of the body is sealed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use super::{Rejection, header};
use crate::signature;

/// Checks that a delivery brings this name and password.
///
/// # Errors
/// Why it is refused.
pub(crate) fn verify(headers: &[(String, String)], user: &str, password: &SecretString) -> Result<(), Rejection> {
    if password.expose_secret().is_empty() {
        return Err(Rejection::NoSecret);
    }
    let given = header(headers, "authorization").ok_or(Rejection::Unsigned)?;
    let (scheme, given) = given.split_once(' ').ok_or(Rejection::Unsigned)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Rejection::Unsigned);
    }
    let Ok(given) = STANDARD.decode(given.trim()) else { return Err(Rejection::Unsigned) };
    let expected = format!("{user}:{}", password.expose_secret());
    if signature::is_same(&given, expected.as_bytes()) { Ok(()) } else { Err(Rejection::WrongSignature) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(authorization: &str) -> Result<(), Rejection> {
        let headers = [("authorization".to_owned(), authorization.to_owned())];
        verify(&headers, "coccinelle", &"s3cret:with colon".into())
    }

    /// Made apart from this code: `printf '%s' 'coccinelle:s3cret:with colon' | base64`.
    #[test]
    fn only_the_exact_name_and_password_pass() {
        assert_eq!(verdict("Basic Y29jY2luZWxsZTpzM2NyZXQ6d2l0aCBjb2xvbg=="), Ok(()));
        assert_eq!(verdict("basic Y29jY2luZWxsZTpzM2NyZXQ6d2l0aCBjb2xvbg=="), Ok(()));
        assert_eq!(verdict("Basic Y29jY2luZWxsZTpzM2NyZXQ6d2l0aCBjb2xvbg"), Err(Rejection::Unsigned));
        assert_eq!(verdict("Basic Y29jY2luZWxsZTpvdGhlcg=="), Err(Rejection::WrongSignature));
        assert_eq!(verdict("Basic "), Err(Rejection::WrongSignature));
        assert_eq!(verdict("Bearer abc"), Err(Rejection::Unsigned));
        assert_eq!(verify(&[], "coccinelle", &"s3cret".into()), Err(Rejection::Unsigned));
        assert_eq!(verify(&[], "coccinelle", &"".into()), Err(Rejection::NoSecret));
    }
}

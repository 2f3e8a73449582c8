//! PKCE (RFC 7636), of the method `S256` only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use secrecy::{ExposeSecret as _, SecretString};

/// The two halves of one proof.
#[derive(Clone, Debug)]
pub struct Pkce {
    /// Kept by us until the code is exchanged.
    pub verifier: SecretString,
    /// Shown on the consent page.
    pub challenge: String,
}

impl Pkce {
    /// The proof behind a verifier of 43 to 128 unreserved characters.
    #[must_use]
    pub fn of(verifier: SecretString) -> Self {
        let hash = digest::digest(&digest::SHA256, verifier.expose_secret().as_bytes());
        Self { challenge: URL_SAFE_NO_PAD.encode(hash), verifier }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    #[test]
    fn agrees_with_the_published_vector() {
        let pkce = Pkce::of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned().into());
        assert_eq!(pkce.challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}

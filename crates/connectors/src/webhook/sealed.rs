//! Signatures that stand in a header, in Base64. What they are made of is each platform's to say.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use super::{Rejection, WebhookRequest, header};
use crate::signature;

/// The signature in the header of that name, where there is a secret to check it with.
///
/// # Errors
/// Why the delivery is refused.
pub(crate) fn given(request: &WebhookRequest<'_>, name: &str, secret: &SecretString) -> Result<Vec<u8>, Rejection> {
    if secret.expose_secret().is_empty() {
        return Err(Rejection::NoSecret);
    }
    let given = header(request.headers, name).ok_or(Rejection::Unsigned)?;
    STANDARD.decode(given).map_err(|_not_base64| Rejection::Unsigned)
}

/// Checks that the header of that name bears the signature of the body alone.
///
/// # Errors
/// Why the delivery is refused.
pub(crate) fn verify(request: &WebhookRequest<'_>, name: &str, secret: &SecretString) -> Result<(), Rejection> {
    let given = given(request, name, secret)?;
    if signature::is_hmac_sha256(secret, &[request.body], &given) { Ok(()) } else { Err(Rejection::WrongSignature) }
}

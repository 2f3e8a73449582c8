//! The public keys of an issuer (RFC 7517): which of them are taken, and which one a token means. Getting them is `issuer`'s.

use std::fmt;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

/// What a token may be signed with. No algorithm with a shared secret: whoever knows the public key could sign by it.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// More keys than an issuer could need.
const KEY_LIMIT: usize = 64;

/// Characters of a modulus of 2,048 bits, the least that is taken (RFC 7518, section 3.3).
const MODULUS_CHARS: usize = 342;

/// The keys of an issuer at one time.
#[derive(Debug)]
pub(super) struct KeySet(Vec<PublicKey>);

/// A key, and the only algorithm that it checks.
#[derive(Clone)]
pub(super) struct PublicKey {
    id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").field("id", &self.id).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// What a set knows of the key that a token means.
#[derive(Debug)]
pub(super) enum Lookup<'a> {
    /// This is it.
    Found(&'a PublicKey),
    /// No newer set could make this token good.
    Refused,
    /// A newer set may know it.
    Unknown,
}

impl KeySet {
    /// The keys of a document that can be used; `None` where there are none, since an issuer without keys is no issuer.
    ///
    /// A key that we cannot use is passed over: it is there for others.
    pub(super) fn read(document: &Value) -> Option<Self> {
        let keys = document.get("keys")?.as_array()?;
        let keys: Vec<_> = keys.iter().take(KEY_LIMIT).filter_map(PublicKey::read).collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// The key of that id and algorithm; without an id, the only one of that algorithm.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Lookup<'_> {
        if !ALGORITHMS.contains(&algorithm) {
            return Lookup::Refused;
        }
        let fits = |key: &&PublicKey| key.algorithm == algorithm && id.is_none_or(|id| key.id.as_deref() == Some(id));
        let mut fitting = self.0.iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Lookup::Found(key),
            (Some(_), Some(_)) => Lookup::Refused,
            (None, _) if id.is_none() || self.0.iter().any(|key| key.id.as_deref() == id) => Lookup::Refused,
            (None, _) => Lookup::Unknown,
        }
    }
}

/// Whether a document has keys of an issuer: for `crate::fuzzing`.
#[cfg(fuzzing)]
pub(crate) fn are_keys(document: &Value) -> bool {
    KeySet::read(document).is_some()
}

impl PublicKey {
    fn read(value: &Value) -> Option<Self> {
        let key: Jwk = serde_json::from_value(value.clone()).ok()?;
        let algorithm = algorithm_of(&key)?;
        let is_for_signatures =
            !matches!(key.common.public_key_use, Some(ref other) if *other != PublicKeyUse::Signature);
        let decoding = DecodingKey::from_jwk(&key).ok().filter(|_| is_for_signatures)?;
        Some(Self { id: key.common.key_id, algorithm, key: decoding })
    }
}

/// The algorithm that the key's own form asks for; `None` where we do not take it, or where the key says another.
fn algorithm_of(key: &Jwk) -> Option<Algorithm> {
    let form = &key.algorithm;
    let (algorithm, name) = if let AlgorithmParameters::RSA(rsa) = form
        && rsa.n.len() >= MODULUS_CHARS
    {
        (Algorithm::RS256, KeyAlgorithm::RS256)
    } else if let AlgorithmParameters::EllipticCurve(point) = form
        && point.curve == EllipticCurve::P256
    {
        (Algorithm::ES256, KeyAlgorithm::ES256)
    } else if let AlgorithmParameters::OctetKeyPair(pair) = form
        && pair.curve == EllipticCurve::Ed25519
    {
        (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
    } else {
        return None;
    };
    key.common.key_algorithm.is_none_or(|said| said == name).then_some(algorithm)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// RFC 8037, appendix A.2.
    fn ed25519(id: &str) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })
    }

    fn with(key: Value, name: &str, value: impl Into<Value>) -> Value {
        let mut key = key;
        key[name] = value.into();
        key
    }

    fn set(keys: &[Value]) -> Option<KeySet> {
        KeySet::read(&json!({ "keys": keys }))
    }

    #[test]
    fn a_key_is_found_by_its_id_and_checks_one_algorithm_only() {
        let keys = set(&[ed25519("a"), ed25519("b")]).unwrap();
        assert!(matches!(keys.find(Some("a"), Algorithm::EdDSA), Lookup::Found(key) if key.id.as_deref() == Some("a")));
        assert!(matches!(keys.find(Some("c"), Algorithm::EdDSA), Lookup::Unknown));
        for other in [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256, Algorithm::RS512] {
            assert!(matches!(keys.find(Some("a"), other), Lookup::Refused), "{other:?}");
        }
        assert!(matches!(keys.find(Some("c"), Algorithm::HS256), Lookup::Refused), "no fetch could make this good");
    }

    #[test]
    fn a_token_without_an_id_means_the_only_key_there_is() {
        assert!(matches!(set(&[ed25519("a")]).unwrap().find(None, Algorithm::EdDSA), Lookup::Found(_)));
        assert!(matches!(set(&[ed25519("a"), ed25519("b")]).unwrap().find(None, Algorithm::EdDSA), Lookup::Refused));
    }

    #[test]
    fn what_cannot_be_used_is_passed_over_and_a_set_of_nothing_else_is_none() {
        let secret = json!({ "kty": "oct", "kid": "s", "k": "c2VjcmV0" });
        let short =
            json!({ "kty": "RSA", "kid": "r", "e": "AQAB", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78L" });
        let odd = [
            secret,
            short,
            json!("nonsense"),
            with(ed25519("a"), "use", "enc"),
            with(ed25519("a"), "alg", "HS256"),
            with(ed25519("a"), "crv", "X25519"),
        ];
        for key in &odd {
            assert!(set(std::slice::from_ref(key)).is_none(), "{key}");
        }
        let mixed: Vec<_> = odd.into_iter().chain([with(ed25519("good"), "use", "sig")]).collect();
        assert_eq!(set(&mixed).unwrap().0.len(), 1);
        for garbage in [json!({}), json!([]), json!({ "keys": {} }), json!({ "keys": [] }), json!("x")] {
            assert!(KeySet::read(&garbage).is_none(), "{garbage}");
        }
    }
}

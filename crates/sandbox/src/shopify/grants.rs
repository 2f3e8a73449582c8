//! Tokens: which shop one opens, until when, and whether its grant still stands. Issued ones carry their own proof, so that a
//! restarted sandbox still knows them.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use ring::hmac;

use super::CLIENT;
use crate::clock::{self, Millis};

/// Shopify's codes live for a moment only.
const CODE_MILLIS: Millis = 60_000;

/// What a consent stands for until its code is exchanged.
#[derive(Clone, Debug)]
pub(crate) struct Consent {
    pub(crate) shop: String,
    pub(crate) scopes: String,
    pub(crate) given_at: Millis,
}

/// What a token was found to be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Token {
    pub(crate) shop: String,
    pub(crate) grant: String,
    /// The end of an access token, or the how-manieth of its grant a refresh token is.
    pub(crate) number: i64,
}

/// Codes not yet exchanged, grants that ended, and how far each was refreshed.
#[derive(Debug, Default)]
pub(crate) struct Grants(Mutex<Kept>);

#[derive(Debug, Default)]
pub(crate) struct Kept {
    codes: HashMap<String, Consent>,
    ended: HashSet<String>,
    scopes: HashMap<String, String>,
    /// The latest refresh token that was used.
    used: HashMap<String, i64>,
}

impl Grants {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn consent(&self, consent: Consent) -> String {
        let code = format!("{:032x}", rand::random::<u128>());
        self.lock().codes.insert(code.clone(), consent);
        code
    }

    /// A code works once, at its own shop, and not for long. The grant that it becomes.
    pub(crate) fn take_code(&self, code: &str, shop: &str) -> Option<String> {
        let mut kept = self.lock();
        let consent = kept.codes.remove(code)?;
        let is_good = consent.shop == shop && clock::now().saturating_sub(consent.given_at) < CODE_MILLIS;
        let grant = format!("{:016x}", rand::random::<u64>());
        is_good.then(|| {
            kept.scopes.insert(grant.clone(), consent.scopes);
            grant
        })
    }

    pub(crate) fn scopes(&self, grant: &str) -> Option<String> {
        self.lock().scopes.get(grant).cloned()
    }

    pub(crate) fn access_token(shop: &str, grant: &str, expires_at: Millis) -> String {
        sealed(&format!("shpat_{shop}.{grant}.{expires_at}"))
    }

    pub(crate) fn refresh_token(shop: &str, grant: &str, serial: i64) -> String {
        sealed(&format!("shprt_{shop}.{grant}.{serial}"))
    }

    /// Takes a refresh token, and says which is the next. The one before stays good until its successor is used.
    pub(crate) fn refresh(&self, token: &str, shop: &str) -> Option<(String, i64)> {
        let token = read("shprt_", token).filter(|token| token.shop == shop)?;
        let mut kept = self.lock();
        let used = kept.used.get(&token.grant).copied().unwrap_or_default();
        if kept.ended.contains(&token.grant) || token.number < used {
            return None;
        }
        kept.used.insert(token.grant.clone(), token.number);
        Some((token.grant, token.number.saturating_add(1)))
    }

    /// The grant by which a token opens this shop; `None` where it does not. `shpat_<shop>_<anything>` opens it for good.
    pub(crate) fn opens(&self, token: &str, shop: &str) -> Option<String> {
        let fixed = token.strip_prefix(&format!("shpat_{shop}_")).filter(|secret| !secret.is_empty());
        if let Some(fixed) = fixed {
            return (!self.lock().ended.contains(fixed)).then(|| fixed.to_owned());
        }
        let token = read("shpat_", token).filter(|token| token.shop == shop && token.number > clock::now())?;
        (!self.lock().ended.contains(&token.grant)).then_some(token.grant)
    }

    pub(crate) fn end(&self, grant: &str) {
        self.lock().ended.insert(grant.to_owned());
    }

    pub(crate) fn clear(&self) {
        *self.lock() = Kept::default();
    }
}

fn read(sort: &str, token: &str) -> Option<Token> {
    let (content, _) = token.rsplit_once('.')?;
    if sealed(content) != token {
        return None;
    }
    let mut parts = content.strip_prefix(sort)?.split('.');
    let (shop, grant, number) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Token { shop: shop.to_owned(), grant: grant.to_owned(), number: number.parse().ok()? })
}

fn sealed(content: &str) -> String {
    format!("{content}.{}", sign(content))
}

/// What Shopify signs with the app's secret, in hexadecimal digits.
pub(crate) fn sign(text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, CLIENT.1.as_bytes());
    hmac::sign(&key, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_token_stays_good_until_its_successor_is_used() {
        let grants = Grants::default();
        let first = Grants::refresh_token("acme", "g", 0);
        assert_eq!(grants.refresh(&first, "acme"), Some(("g".to_owned(), 1)));
        assert_eq!(grants.refresh(&first, "acme"), Some(("g".to_owned(), 1)));
        let second = Grants::refresh_token("acme", "g", 1);
        assert_eq!(grants.refresh(&second, "acme"), Some(("g".to_owned(), 2)));
        assert_eq!(grants.refresh(&first, "acme"), None);
        assert_eq!(grants.refresh(&second, "other"), None);
    }

    #[test]
    fn an_access_token_opens_its_own_shop_until_its_end() {
        let grants = Grants::default();
        let good = Grants::access_token("acme", "g", clock::now() + 60_000);
        assert_eq!(grants.opens(&good, "acme").as_deref(), Some("g"));
        assert_eq!(grants.opens(&good, "other"), None);
        assert_eq!(grants.opens(&Grants::access_token("acme", "g", clock::now() - 1), "acme"), None);
        assert_eq!(grants.opens("shpat_acme_", "acme"), None);
        grants.end("g");
        assert_eq!(grants.opens(&good, "acme"), None);
    }
}

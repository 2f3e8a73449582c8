//! Tokens: which account one opens, until when, and whether its grant still stands. Issued ones carry
//! their own proof, so that a restarted sandbox still knows them.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use ring::hmac;

use super::{ApiError, webhooks::hex};
use crate::clock::{self, Millis};

pub(crate) const CLIENT_ID: &str = "sandbox-client";
pub(crate) const CLIENT_SECRET: &str = "sandbox-secret";
/// HubSpot's codes live for a moment only.
const CODE_MILLIS: Millis = 60_000;

/// What a consent stands for until its code is exchanged.
#[derive(Clone, Debug)]
pub(crate) struct Consent {
    pub(crate) portal: u64,
    pub(crate) redirect_uri: String,
    /// PKCE's S256 challenge, where one was sent.
    pub(crate) challenge: Option<String>,
    /// What was consented to; everything where nothing was named.
    pub(crate) scopes: Vec<String>,
    pub(crate) given_at: Millis,
}

/// What a token was found to be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Token {
    pub(crate) portal: u64,
    pub(crate) grant: String,
    /// `None` for a refresh token, which does not expire.
    pub(crate) expires_at: Option<Millis>,
    /// The how-manieth of its grant a refresh token is, where each is good for one use.
    pub(crate) serial: u64,
}

/// Codes not yet exchanged, and grants revoked.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    codes: Mutex<HashMap<String, Consent>>,
    revoked: Mutex<HashSet<String>>,
    /// What a grant permits, where that is not everything.
    scopes: Mutex<HashMap<String, Vec<String>>>,
    /// The serial of the one refresh token that is good, where each is good for one use.
    serials: Mutex<HashMap<String, u64>>,
}

/// The account of a bearer token of either sort.
pub(crate) fn authenticate(grants: &Grants, bearer: &str) -> Result<u64, ApiError> {
    if let Some(portal) = static_portal(bearer) {
        return Ok(portal);
    }
    let token = grants.read(bearer).ok_or_else(ApiError::unauthenticated)?;
    let expires_at = token.expires_at.ok_or_else(ApiError::unauthenticated)?;
    let late = clock::now().saturating_sub(expires_at);
    if late >= 0 { Err(ApiError::expired(late / 1_000)) } else { Ok(token.portal) }
}

/// `pat-eu1-<portal>-<anything>`, the form of a private app's token.
fn static_portal(bearer: &str) -> Option<u64> {
    let rest = bearer.strip_prefix("pat-eu1-").or_else(|| bearer.strip_prefix("pat-na1-"))?;
    let (portal, secret) = rest.split_once('-')?;
    if secret.is_empty() || !portal.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    portal.parse().ok()
}

impl Grants {
    pub(crate) fn consent(&self, consent: Consent) -> String {
        let code = format!("eu1-{:032x}", rand::random::<u128>());
        self.codes.lock().unwrap_or_else(PoisonError::into_inner).insert(code.clone(), consent);
        code
    }

    /// A code works once, and not for long.
    pub(crate) fn take_code(&self, code: &str) -> Option<Consent> {
        let consent = self.codes.lock().unwrap_or_else(PoisonError::into_inner).remove(code)?;
        (clock::now().saturating_sub(consent.given_at) < CODE_MILLIS).then_some(consent)
    }

    pub(crate) fn new_grant() -> String {
        format!("{:016x}", rand::random::<u64>())
    }

    pub(crate) fn access_token(portal: u64, grant: &str, expires_at: Millis) -> String {
        sealed(&format!("CSbx-{portal}-{grant}-{expires_at}"))
    }

    pub(crate) fn refresh_token(portal: u64, grant: &str, serial: u64) -> String {
        match serial {
            0 => sealed(&format!("eu1-{portal}-{grant}")),
            serial => sealed(&format!("eu1-{portal}-{grant}-{serial}")),
        }
    }

    /// Spends a refresh token that is good for one use, and says which is the next. One that was spent before takes the whole
    /// grant with it.
    pub(crate) fn rotate(&self, token: &Token) -> Option<u64> {
        let mut serials = self.serials.lock().unwrap_or_else(PoisonError::into_inner);
        let good = serials.entry(token.grant.clone()).or_insert(token.serial);
        if *good == token.serial {
            *good = good.saturating_add(1);
            return Some(*good);
        }
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner).insert(token.grant.clone());
        None
    }

    /// Whether a refresh token was not spent yet.
    pub(crate) fn is_unspent(&self, token: &Token) -> bool {
        let serials = self.serials.lock().unwrap_or_else(PoisonError::into_inner);
        serials.get(&token.grant).is_none_or(|good| *good == token.serial)
    }

    pub(crate) fn limit(&self, grant: &str, scopes: Vec<String>) {
        if !scopes.is_empty() {
            self.scopes.lock().unwrap_or_else(PoisonError::into_inner).insert(grant.to_owned(), scopes);
        }
    }

    /// What a grant permits; `None`: everything.
    pub(crate) fn scopes(&self, grant: &str) -> Option<Vec<String>> {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner).get(grant).cloned()
    }

    /// What a token says, if it was issued here and its grant was not revoked.
    pub(crate) fn read(&self, token: &str) -> Option<Token> {
        let (content, _) = token.rsplit_once('-')?;
        if sealed(content) != token {
            return None;
        }
        let parts: Vec<&str> = content.split('-').collect();
        let (portal, grant, expires_at, serial) = match parts.as_slice() {
            ["CSbx", portal, grant, expires_at] => (portal, grant, Some(expires_at.parse().ok()?), 0),
            ["eu1", portal, grant] => (portal, grant, None, 0),
            ["eu1", portal, grant, serial] => (portal, grant, None, serial.parse().ok()?),
            _ => return None,
        };
        let token = Token { portal: portal.parse().ok()?, grant: (*grant).to_owned(), expires_at, serial };
        let revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner).contains(&token.grant);
        (!revoked).then_some(token)
    }

    pub(crate) fn revoke(&self, token: &str) {
        if let Some(token) = self.read(token) {
            self.revoked.lock().unwrap_or_else(PoisonError::into_inner).insert(token.grant);
        }
    }

    pub(crate) fn clear(&self) {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.serials.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn sealed(content: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, CLIENT_SECRET.as_bytes());
    format!("{content}-{}", hex(hmac::sign(&key, content.as_bytes()).as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_token_of_the_right_form_opens_an_account() {
        let grants = Grants::default();
        assert_eq!(authenticate(&grants, "pat-eu1-4242-demo").ok(), Some(4242));
        for bad in ["", "pat-eu1-4242", "pat-eu1-4242-", "pat-eu1-x-y", "pat-eu1-+42-y", "demo", "pat-xx1-4242-demo"] {
            assert!(authenticate(&grants, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_access_token_ends_by_time_and_by_revocation_and_cannot_be_altered() {
        let grants = Grants::default();
        let good = Grants::access_token(7, "abc", clock::now() + 60_000);
        assert_eq!(authenticate(&grants, &good).ok(), Some(7));
        assert!(authenticate(&grants, &good.replacen("-7-", "-8-", 1)).is_err());
        let old = authenticate(&grants, &Grants::access_token(7, "abc", clock::now() - 5_000)).unwrap_err();
        assert_eq!(old.category, "EXPIRED_AUTHENTICATION");
        grants.revoke(&Grants::refresh_token(7, "abc", 0));
        assert!(authenticate(&grants, &good).is_err());
    }
}

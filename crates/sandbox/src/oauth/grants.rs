//! Codes and tokens of one platform: which account each opens, until when, and whether its grant still stands. Issued tokens carry
//! their own proof, so that a restarted sandbox still knows them.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;

use super::CLIENT_SECRET;
use crate::clock::{self, Millis};

/// How a platform's tokens begin, by which its own are told from those of others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marks {
    pub(crate) code: &'static str,
    pub(crate) access: &'static str,
    pub(crate) refresh: &'static str,
}

/// What a consent stands for until its code is exchanged.
#[derive(Clone, Debug)]
pub(crate) struct Consent {
    pub(crate) account: String,
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
    pub(crate) account: String,
    pub(crate) grant: String,
    /// `None` for a refresh token, which does not expire.
    pub(crate) expires_at: Option<Millis>,
    /// The how-manieth of its grant it is, where each refresh token is good for one use.
    pub(crate) serial: u64,
}

/// Why a token does not open its account.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Closed {
    /// Not issued here, or of a grant that is no more.
    Unknown,
    /// Its time is over, by so many milliseconds.
    Expired(Millis),
}

/// Codes not yet exchanged, and grants revoked.
#[derive(Debug)]
pub(crate) struct Grants {
    marks: Marks,
    codes: Mutex<HashMap<String, Consent>>,
    revoked: Mutex<HashSet<String>>,
    /// What a grant permits, where that is not everything.
    scopes: Mutex<HashMap<String, Vec<String>>>,
    /// The serial of the one refresh token that is good, where each is good for one use.
    serials: Mutex<HashMap<String, u64>>,
}

impl Grants {
    pub(crate) fn marked(marks: Marks) -> Self {
        Self {
            marks,
            codes: Mutex::default(),
            revoked: Mutex::default(),
            scopes: Mutex::default(),
            serials: Mutex::default(),
        }
    }

    pub(crate) fn consent(&self, consent: Consent) -> String {
        let code = format!("{}{:032x}", self.marks.code, rand::random::<u128>());
        self.codes.lock().unwrap_or_else(PoisonError::into_inner).insert(code.clone(), consent);
        code
    }

    /// A code works once, and not for long.
    pub(crate) fn take_code(&self, code: &str, life: Millis) -> Option<Consent> {
        let consent = self.codes.lock().unwrap_or_else(PoisonError::into_inner).remove(code)?;
        (clock::now().saturating_sub(consent.given_at) < life).then_some(consent)
    }

    /// A grant of its own for what was consented to.
    pub(crate) fn begin(&self, consent: Consent) -> Token {
        let grant = format!("{:016x}", rand::random::<u64>());
        if !consent.scopes.is_empty() {
            self.scopes.lock().unwrap_or_else(PoisonError::into_inner).insert(grant.clone(), consent.scopes);
        }
        Token { account: consent.account, grant, expires_at: None, serial: 0 }
    }

    pub(crate) fn access_token(&self, of: &Token, expires_at: Millis) -> String {
        sealed(&format!("{}{}.{}.{}.{expires_at}", self.marks.access, of.account, of.grant, of.serial))
    }

    pub(crate) fn refresh_token(&self, of: &Token) -> String {
        sealed(&format!("{}{}.{}.{}", self.marks.refresh, of.account, of.grant, of.serial))
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

    /// Whether no refresh came after this token.
    pub(crate) fn is_latest(&self, token: &Token) -> bool {
        let serials = self.serials.lock().unwrap_or_else(PoisonError::into_inner);
        serials.get(&token.grant).is_none_or(|good| *good == token.serial)
    }

    /// What a grant permits; `None`: everything.
    pub(crate) fn scopes(&self, grant: &str) -> Option<Vec<String>> {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner).get(grant).cloned()
    }

    /// What a token says, if it was issued here and its grant was not revoked.
    pub(crate) fn read(&self, token: &str) -> Option<Token> {
        let (content, _) = token.rsplit_once('.')?;
        if sealed(content) != token {
            return None;
        }
        let token = self.access(content).or_else(|| self.refresh(content))?;
        let revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner).contains(&token.grant);
        (!revoked).then_some(token)
    }

    /// From the right: an account's name may have dots of its own.
    fn access(&self, content: &str) -> Option<Token> {
        let mut parts = content.strip_prefix(self.marks.access)?.rsplitn(4, '.');
        let (expires_at, serial) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let (grant, account) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        Some(Token { account, grant, expires_at: Some(expires_at), serial })
    }

    fn refresh(&self, content: &str) -> Option<Token> {
        let mut parts = content.strip_prefix(self.marks.refresh)?.rsplitn(3, '.');
        let serial = parts.next()?.parse().ok()?;
        let (grant, account) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        Some(Token { account, grant, expires_at: None, serial })
    }

    /// An access token that is good now.
    pub(crate) fn open(&self, bearer: &str) -> Result<Token, Closed> {
        let token = self.read(bearer).ok_or(Closed::Unknown)?;
        let late = clock::now().saturating_sub(token.expires_at.ok_or(Closed::Unknown)?);
        if late >= 0 { Err(Closed::Expired(late)) } else { Ok(token) }
    }

    /// Takes back the grant of a token, with all its tokens.
    pub(crate) fn revoke(&self, token: &str) -> bool {
        let Some(token) = self.read(token) else { return false };
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner).insert(token.grant);
        true
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
    format!("{content}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, content.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants() -> Grants {
        Grants::marked(Marks { code: "c-", access: "a-", refresh: "r-" })
    }

    fn token(account: &str) -> Token {
        Token { account: account.to_owned(), grant: "abc".to_owned(), expires_at: None, serial: 0 }
    }

    #[test]
    fn an_access_token_ends_by_time_and_by_revocation_and_cannot_be_altered() {
        let grants = grants();
        let good = grants.access_token(&token("acme.example"), clock::now() + 60_000);
        assert_eq!(grants.open(&good).unwrap().account, "acme.example");
        assert_eq!(grants.open(&good.replacen("acme", "ecma", 1)), Err(Closed::Unknown));
        let old = grants.open(&grants.access_token(&token("7"), clock::now() - 5_000));
        assert!(matches!(old, Err(Closed::Expired(late)) if late >= 5_000), "{old:?}");
        assert_eq!(
            grants.open(&grants.refresh_token(&token("7"))),
            Err(Closed::Unknown),
            "it refreshes, it does not open"
        );
        assert!(grants.revoke(&grants.refresh_token(&token("acme.example"))));
        assert_eq!(grants.open(&good), Err(Closed::Unknown));
    }

    #[test]
    fn a_second_use_of_a_refresh_token_takes_the_grant_with_it() {
        let grants = grants();
        let first = token("7");
        let second = Token { serial: grants.rotate(&first).unwrap(), ..first.clone() };
        assert!(grants.is_latest(&second) && !grants.is_latest(&first));
        assert_eq!(grants.rotate(&first), None);
        assert_eq!(grants.read(&grants.refresh_token(&second)), None);
    }

    #[test]
    fn a_code_works_once_and_not_for_long() {
        let grants = grants();
        let consent = |given_at| Consent {
            account: "7".to_owned(),
            redirect_uri: String::new(),
            challenge: None,
            scopes: Vec::new(),
            given_at,
        };
        let code = grants.consent(consent(clock::now()));
        assert!(grants.take_code(&code, 60_000).is_some() && grants.take_code(&code, 60_000).is_none());
        let late = grants.consent(consent(clock::now() - 60_000));
        assert!(grants.take_code(&late, 60_000).is_none());
    }
}

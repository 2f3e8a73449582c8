//! OAuth as every stand-in has it: the consent page, codes that are good once, PKCE, tokens that end when a switch says so, refresh
//! tokens that rotate, and grants given back. Where these lie, and how a refusal is worded, is each platform's.

pub(crate) mod consent;
mod form;
pub(crate) mod grants;

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest;
use serde_json::json;

pub(crate) use self::form::TokenForm;
use self::grants::{Grants, Token};
use crate::{
    clock::{self, Millis},
    fate::Fate,
    faults::Loss,
    stand_in::StandIn,
    tools::Tools,
};

/// The app that every stand-in knows.
pub(crate) const CLIENT_ID: &str = "sandbox-client";
pub(crate) const CLIENT_SECRET: &str = "sandbox-secret";

/// The switch that makes each refresh token good for one use, and a second use the end of the grant.
pub(crate) const SINGLE_USE: &str = "single_use_refresh";

/// A platform that lets apps in by a consent.
pub(crate) trait Consents: StandIn + Sized + 'static {
    /// Its name for people.
    const NAME: &'static str;
    /// The account that its page offers first.
    const OFFERED: &'static str;
    /// How long a code is good.
    const CODE_LIFE: Millis;
    /// What a grant permits where the app named nothing.
    const SCOPES: &'static [&'static str];

    fn grants(&self) -> &Grants;

    fn tools(&self) -> &Tools;

    /// What the platform adds to the query with which the browser is sent back; most add nothing.
    fn complete_callback(&self, _account: &str, _query: &mut Vec<(String, String)>) {}
}

/// Why no token is given.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("missing or unknown client id")]
    UnknownClient,
    #[error("missing or invalid client secret")]
    WrongSecret,
    #[error("missing or unknown grant type")]
    UnknownGrantType,
    #[error("missing or unknown auth code")]
    UnknownCode,
    #[error("redirect uri does not match initial auth code uri")]
    OtherRedirect,
    #[error("code verifier does not match the challenge")]
    WrongVerifier,
    #[error("missing or invalid refresh token")]
    UnknownRefresh,
    #[error("switched on in the sandbox")]
    SwitchedOn(u16),
}

impl Refusal {
    /// The word of RFC 6749 for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::UnknownClient | Self::WrongSecret => "invalid_client",
            Self::UnknownGrantType => "unsupported_grant_type",
            Self::UnknownCode | Self::OtherRedirect | Self::WrongVerifier | Self::UnknownRefresh => "invalid_grant",
            Self::SwitchedOn(_) => "temporarily_unavailable",
        }
    }

    /// The status with which it is mostly told.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::SwitchedOn(status) => status,
            Self::UnknownClient | Self::WrongSecret => 401,
            Self::UnknownGrantType
            | Self::UnknownCode
            | Self::OtherRedirect
            | Self::WrongVerifier
            | Self::UnknownRefresh => 400,
        }
    }
}

/// As RFC 6749 words it; a platform with words of its own answers by those.
impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let body = json!({"error": self.word(), "error_description": self.to_string()});
        HttpResponse::build(self.status_code()).json(body)
    }
}

/// What the token endpoint gives.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) account: String,
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    /// How long the access token lives.
    pub(crate) seconds: i64,
    pub(crate) scopes: Vec<String>,
}

/// Turns a code or a refresh token into an access token, as far as the account's switches let it.
pub(crate) async fn issue<P: Consents>(platform: &P, form: &TokenForm) -> Result<Issued, Refusal> {
    form.check_client()?;
    let grants = platform.grants();
    let is_refresh = form.grant_type == "refresh_token";
    let mut token = match form.grant_type.as_str() {
        "authorization_code" => exchanged::<P>(grants, form)?,
        "refresh_token" => {
            let held = grants.read(&form.refresh_token).filter(|token| token.expires_at.is_none());
            held.ok_or(Refusal::UnknownRefresh)?
        }
        _ => return Err(Refusal::UnknownGrantType),
    };
    let account = platform.account(&token.account).ok_or(Refusal::UnknownCode)?;
    let (mut fate, mut faults) = (None, None);
    account.adjust_faults(&mut |known| {
        fate = Some(Fate::draw(known));
        faults = Some(known.clone());
    });
    // Whoever sees it noted may switch faults: whether it is answered, and when, is settled by then.
    platform.tools().requests.note((platform.slug(), &token.account), "POST", "/oauth/token");
    let (Some(fate), Some(faults)) = (fate, faults) else { return Err(Refusal::SwitchedOn(500)) };
    fate.wait().await;
    if faults.token_revoked {
        return Err(Refusal::UnknownRefresh);
    }
    if let Some(status) = fate.failure {
        return Err(Refusal::SwitchedOn(status));
    }
    if is_refresh && faults.is_on(SINGLE_USE) {
        token.serial = grants.rotate(&token).ok_or(Refusal::UnknownRefresh)?;
    }
    // Whoever waited for the answer may be gone by now; the token is spent all the same.
    let mut loss = None;
    account.adjust_faults(&mut |faults| loss = faults.take_loss());
    match loss {
        Some(Loss::Silence) => std::future::pending::<()>().await,
        Some(Loss::BadGateway | Loss::Dropped) => return Err(Refusal::SwitchedOn(502)),
        None => {}
    }
    let seconds = form.expires_in.map_or(faults.access_token_seconds, |asked| asked.min(faults.access_token_seconds));
    let expires_at = clock::now().saturating_add(seconds.saturating_mul(1_000));
    let all = || P::SCOPES.iter().map(|scope| (*scope).to_owned()).collect();
    Ok(Issued {
        access_token: grants.access_token(&token, expires_at),
        refresh_token: grants.refresh_token(&token),
        seconds,
        scopes: grants.scopes(&token.grant).unwrap_or_else(all),
        account: token.account,
    })
}

/// What a code stands for; it is spent by this, whatever comes of it.
fn exchanged<P: Consents>(grants: &Grants, form: &TokenForm) -> Result<Token, Refusal> {
    let consent = grants.take_code(&form.code, P::CODE_LIFE).ok_or(Refusal::UnknownCode)?;
    if consent.redirect_uri != form.redirect_uri {
        return Err(Refusal::OtherRedirect);
    }
    let proof = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, form.code_verifier.as_bytes()));
    if consent.challenge.as_ref().is_some_and(|challenge| *challenge != proof) {
        return Err(Refusal::WrongVerifier);
    }
    Ok(grants.begin(consent))
}

//! Who may ask: roles, and the claims of a token. Checking a token is `api-gateway`'s.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::{TenantId, TokenId};

/// What a caller may do within a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Looks and changes.
    Admin,
    /// Coccinelle's backend: hands over events.
    Service,
}

/// The claims of a bearer token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who asks.
    pub sub: String,
    /// For which tenant.
    pub tenant_id: TenantId,
    /// What they may do.
    pub roles: Vec<Role>,
    /// Issued at, seconds since 1970.
    pub iat: i64,
    /// Not valid from then on, seconds since 1970.
    pub exp: i64,
    /// Which token it is, where it is one of those that are listed and can be revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<TokenId>,
}

/// All that a token says (RFC 7519, section 4): the claims, and those by which whoever checks it knows that it is meant for here.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ClaimsSet<'a> {
    /// Who asks for what, and until when.
    #[serde(flatten)]
    pub claims: &'a Claims,
    /// Who issues it, where the settings want that to be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<&'a str>,
    /// Whom it is for, where the settings want that to be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<&'a str>,
}

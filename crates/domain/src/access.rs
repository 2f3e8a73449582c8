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

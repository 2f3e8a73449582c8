//! What a handler asks of its caller, in its signature. Who the caller is was found out at the door.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use domain::access::Role;
use runtime::http::Problem;

use super::identity::Identity;
use crate::refusal::Refusal;

/// What the door found: who asks, or why they are nobody. Without it, nobody has looked, and nobody gets in.
#[derive(Clone, Debug)]
pub(crate) struct Verdict(pub(crate) Result<Identity, Problem>);

/// What a handler asks of its caller.
pub(crate) trait Permission: 'static {
    /// The roles of which the caller needs one.
    const ROLES: &'static [Role];
}

/// May look.
#[derive(Debug)]
pub(crate) struct Viewing;

impl Permission for Viewing {
    const ROLES: &'static [Role] = &[Role::Viewer, Role::Admin];
}

/// May change.
#[derive(Debug)]
pub(crate) struct Administration;

impl Permission for Administration {
    const ROLES: &'static [Role] = &[Role::Admin];
}

/// May hand over events.
#[derive(Debug)]
pub(crate) struct Intake;

impl Permission for Intake {
    const ROLES: &'static [Role] = &[Role::Service, Role::Admin];
}

/// May come and go.
#[derive(Debug)]
pub(crate) struct Presence;

impl Permission for Presence {
    const ROLES: &'static [Role] = &[Role::Viewer, Role::Admin, Role::Service];
}

/// Someone whose credential is good and who has the permission `P`: only for these does a handler run.
#[derive(Debug)]
pub(crate) struct Caller<P> {
    /// Who they are.
    pub(crate) identity: Identity,
    permission: PhantomData<P>,
}

impl<P> Deref for Caller<P> {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.identity
    }
}

/// Looks: a viewer or an admin.
pub(crate) type Viewer = Caller<Viewing>;
/// Changes: an admin.
pub(crate) type Admin = Caller<Administration>;
/// Hands over events: Coccinelle's backend or an admin.
pub(crate) type Service = Caller<Intake>;
/// Whoever has any role at all.
pub(crate) type Everybody = Caller<Presence>;

impl<P: Permission> FromRequest for Caller<P> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admit::<P>(request))
    }
}

fn admit<P: Permission>(request: &HttpRequest) -> Result<Caller<P>, Problem> {
    let verdict = request.extensions().get::<Verdict>().cloned();
    let identity = verdict.ok_or(Refusal::NoToken)?.0?;
    if P::ROLES.iter().any(|role| identity.roles.contains(role)) {
        Ok(Caller { identity, permission: PhantomData })
    } else {
        Err(Refusal::WrongRole.into())
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn nobody_gets_in_where_nobody_has_looked() {
        assert_eq!(admit::<Presence>(&TestRequest::default().to_http_request()).unwrap_err().code(), "token_missing");
    }
}

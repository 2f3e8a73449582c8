//! Changing something on behalf of a caller: a transaction that ends only by saying what was changed. Reading needs none.

use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::USER_AGENT;
use actix_web::{FromRequest, HttpRequest};
use domain::access::Role;
use domain::audit::{Action, Author, Entry, FieldChange};
use domain::id::TenantId;
use domain::trace::TraceParent;
use persistence::{PersistenceError, Scope, Transaction, audit};
use runtime::http::{Peer, Problem, Trace};

use crate::auth::Admin;
use crate::state::Gateway;

/// An admin who is about to change something. What handlers that write take in place of [`Admin`].
#[derive(Debug)]
pub(crate) struct Change {
    /// For which tenant they ask.
    pub(crate) tenant_id: TenantId,
    /// The trace of their request, in which what follows from the change is announced.
    pub(crate) trace: TraceParent,
    author: Author,
}

impl FromRequest for Change {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (caller, trace) = (Admin::from_request(request, payload), Trace::from_request(request, payload));
        let address = Peer::of(request).map(|peer| peer.0);
        let user_agent = request.headers().get(USER_AGENT).map(|value| lossy(value.as_bytes()));
        Box::pin(async move {
            let (caller, trace) = (caller.await?.identity, trace.await.map_err(|_infallible| Problem::not_found())?);
            let request_id = trace.0.trace_id();
            let author = Author { sub: caller.sub, roles: caller.roles, address, user_agent, request_id };
            Ok(Self { tenant_id: caller.tenant_id, trace: trace.0, author })
        })
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Change {
    /// A change that somebody wanted who is not before us: what they asked for comes back from elsewhere, in their browser.
    pub(crate) fn of(request: &HttpRequest, tenant_id: TenantId, sub: String) -> Self {
        let address = Peer::of(request).map(|peer| peer.0);
        let user_agent = request.headers().get(USER_AGENT).map(|value| lossy(value.as_bytes()));
        let trace = Trace::of(request);
        let request_id = trace.trace_id();
        // Nobody else could begin it.
        let author = Author { sub, roles: vec![Role::Admin], address, user_agent, request_id };
        Self { tenant_id, trace, author }
    }

    /// Who makes it, as their token says.
    pub(crate) fn sub(&self) -> &str {
        &self.author.sub
    }

    /// Who makes it, and from where.
    pub(crate) fn author(&self) -> &Author {
        &self.author
    }

    /// Opens the transaction of the change, scoped to the caller's tenant.
    pub(crate) async fn begin(&self, gateway: &Gateway) -> Result<Changing<'_>, PersistenceError> {
        let transaction = gateway.database.begin(Scope::Tenant(self.tenant_id)).await?;
        Ok(Changing { transaction, change: self })
    }
}

/// An open transaction that changes something. Dropped, it is rolled back.
pub(crate) struct Changing<'a> {
    transaction: Transaction,
    change: &'a Change,
}

impl Changing<'_> {
    /// Makes the change durable together with its row in the audit log: what was done, to which id (`None` is the tenant
    /// itself), and which fields that changed.
    pub(crate) async fn commit(
        mut self,
        action: Action,
        target: Option<String>,
        changes: impl IntoIterator<Item = FieldChange>,
    ) -> Result<(), PersistenceError> {
        let (tenant_id, author) = (self.change.tenant_id, &self.change.author);
        let entry = Entry { tenant_id, author, action, target, changes: changes.into_iter().collect() };
        audit::record(&mut self.transaction, &entry).await?;
        self.transaction.commit().await
    }

    /// Ends the transaction of a caller who only looked after all.
    pub(crate) async fn leave_unchanged(self) -> Result<(), PersistenceError> {
        self.transaction.roll_back().await
    }
}

impl Deref for Changing<'_> {
    type Target = Transaction;

    fn deref(&self) -> &Transaction {
        &self.transaction
    }
}

impl DerefMut for Changing<'_> {
    fn deref_mut(&mut self) -> &mut Transaction {
        &mut self.transaction
    }
}

impl fmt::Debug for Changing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changing").field("change", &self.change).finish_non_exhaustive()
    }
}

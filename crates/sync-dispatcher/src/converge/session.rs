//! One batch's view of an integration: its connector, account and mappings, and the lease under which it works. How it is opened
//! is `opening`'s, what is called by it `calling`'s.

use std::{collections::BTreeMap, sync::Arc};

use connectors::account::Account;
use connectors::connector::Connector;
use connectors::error::ConnectorError;
use connectors::workflow::Workflow;
use domain::id::{IntegrationId, LeaseToken, LinkId};
use domain::identity::Region;
use domain::integration::{Delivery, Integration};
use domain::kind::RecordKind;
use domain::link::Arrival;
use domain::mapping::Mapping;
use domain::policy::{Ranks, Vanished};
use domain::redaction::Redactor;
use domain::trace::TraceParent;
use persistence::mappings::KindMappings;
use tokio::time::Instant;

use super::clock::Clock;
use crate::{
    beliefs::Beliefs,
    engine::{Engine, Priority},
    mapped::Narrowed,
    n8n::Pause,
    turns::Turn,
};

pub(super) struct Session<'a> {
    pub(super) engine: &'a Engine,
    /// Of what led here, and so of what follows.
    pub(super) priority: Priority,
    pub(super) integration: Integration,
    /// What takes its writes, where a workflow does.
    pub(super) workflow: Workflow,
    pub(super) connector: &'static dyn Connector,
    /// The opened account, or why it cannot be opened.
    pub(super) account: Result<Account, ConnectorError>,
    /// As far as each kind's direction allows.
    pub(super) mappings: Narrowed,
    /// The same as the tenant configured them, and since when each field is read.
    pub(super) configured: KindMappings,
    pub(super) region: Region,
    pub(super) backend: IntegrationId,
    pub(super) beliefs: Arc<Beliefs>,
    pub(super) redactor: Arc<Redactor>,
    pub(super) token: LeaseToken,
    pub(super) deadline: Instant,
    /// What times that were noted of links are compared with.
    pub(super) clock: Clock,
    pub(super) traces: BTreeMap<LinkId, TraceParent>,
    /// What the platform's answers say of it.
    pub(super) watch: crate::breakers::Watch,
}

impl Session<'_> {
    /// The mapping of a kind, as far as the kind's direction allows.
    pub(super) fn mapping(&self, kind: RecordKind) -> &Mapping {
        self.mappings.of(kind)
    }

    /// Whether a workflow makes the writes.
    pub(super) fn is_by_workflow(&self) -> bool {
        self.integration.delivery == Delivery::N8n
    }

    /// Whether the workflow that makes the writes is left alone for now.
    pub(super) fn pause(&self) -> Option<Pause> {
        self.engine.n8n.pause_of(&self.workflow, self.integration.id)
    }

    /// How values that are read now arrive. The time of reading stands against later changes, so it is not a process's own.
    pub(super) fn arrival<'a>(&self, kind: RecordKind, ranks: &'a Ranks) -> Arrival<'a> {
        Arrival::new(self.integration.id, kind, ranks, self.clock.now())
    }

    /// How much the platform is believed of a kind.
    pub(super) fn ranks(&self, kind: RecordKind) -> &Ranks {
        self.beliefs.ranks(kind, self.integration.id)
    }

    /// Waits for the tenant's turn at so many links.
    pub(super) async fn turn(&self, links: usize) -> Turn {
        self.engine.turns.take(self.priority, self.integration.tenant_id, links).await
    }

    /// What follows where the platform no longer has an object of a kind.
    pub(super) fn vanished(&self, kind: RecordKind) -> Vanished {
        self.beliefs.vanished(kind, self.integration.direction_of(kind))
    }
}

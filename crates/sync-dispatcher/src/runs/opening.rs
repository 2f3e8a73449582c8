//! Opening a page: whether its integration may be worked on, and what the run may do with it now.

use std::time::Duration;

use connectors::account::Account;
use connectors::connector::Connector;
use connectors::registry::Platform;
use domain::fault::FaultKind;
use domain::integration::{Frequency, Integration};
use domain::message::RunPage;
use domain::outcome::SyncError;
use domain::run::{Mode, Plan, Run, Step};
use persistence::breakers::{self, Standing};
use persistence::{Scope, integrations};

use super::trip::Trip;
use crate::converge;
use crate::engine::{DispatchError, Engine};
use crate::mapped::Narrowed;

pub(super) enum Opened<'a> {
    /// The page can be done.
    Ready(Box<Trip<'a>>),
    /// The platform does not answer; somebody looks again in so long.
    Parked(Duration),
    /// The run cannot go on, and this is why.
    Refused(SyncError),
}

fn refused<'a>(class: FaultKind, code: &str, message: &str) -> Opened<'a> {
    Opened::Refused(SyncError { class, code: code.to_owned(), message: message.to_owned() })
}

/// Opens a page of a run that is under way.
pub(super) async fn open<'a>(engine: &'a Engine, page: RunPage, run: Run) -> Result<Opened<'a>, DispatchError> {
    let (tenant, id) = (run.tenant_id, run.integration_id);
    let mut tx = engine.database.begin(Scope::System).await?;
    let integration = integrations::get(&mut tx, tenant, id).await?;
    let configured = engine.mapped.of(&mut tx, tenant, id).await?;
    let standing = match &integration {
        Some(integration) => breakers::standing(&mut tx, integration).await?,
        None => Standing::Closed,
    };
    let pause = match standing {
        Standing::Open(until) => Some(tx.now().await?.until(until)),
        Standing::Closed | Standing::Failing | Standing::Parked => None,
    };
    tx.commit().await?;
    let Some(integration) = integration.filter(|integration| integration.enabled) else {
        let message = "Synchronisation arrêtée : l'intégration est désactivée";
        return Ok(refused(FaultKind::Conflict, "integration_inactive", message));
    };
    if standing == Standing::Parked {
        let message = "Synchronisation arrêtée : la plateforme refuse les identifiants";
        return Ok(refused(FaultKind::Unauthorized, "reauth_required", message));
    }
    if let Some(pause) = pause {
        return Ok(Opened::Parked(pause));
    }
    let Some(platform) = Platform::from_slug(&integration.platform) else {
        return Ok(refused(FaultKind::Invalid, "unknown_platform", "Plateforme inconnue"));
    };
    let connector = platform.connector();
    let plan = plan(&run, &integration, connector);
    let position = run.position.clone();
    let wanted = position.as_ref().map_or(plan.first(), |position| position.step);
    // A kind may have been switched off since the last page.
    let step = plan.from(wanted);
    let cursor = position.filter(|position| position.step == step).and_then(|position| position.cursor);
    let account =
        engine.accounts.open(&integration).await.map(Account::unhurried).map_err(|error| converge::unusable(&error));
    let mappings = Narrowed::new(&configured, &integration);
    let trip = Trip { engine, page, run, integration, standing, connector, account, mappings, plan, step, cursor };
    Ok(Opened::Ready(Box::new(trip)))
}

/// What the run may do by the directions as they are now, and what the platform can do.
fn plan(run: &Run, integration: &Integration, connector: &dyn Connector) -> Plan {
    let can_list = connector.changes().is_some() && connector.reader().is_some();
    // What changes in between reaches integrations of the first sort by itself.
    let catches_up = integration.frequency != Frequency::Realtime || run.mode == Mode::Full;
    let mut plan = Plan::default();
    for kind in run.kinds.iter().copied().filter(|kind| connector.descriptor().kinds.contains(kind)) {
        let Some(direction) = integration.direction_of(kind).within(run.direction) else { continue };
        if direction.reads() && can_list {
            plan.lists.push(kind);
            if run.mode == Mode::Full {
                plan.walks.push(kind);
            } else if integration.frequency != Frequency::Realtime {
                // The others are told of deletions, and polled too often for a list that only grows.
                plan.archives.push(kind);
            }
        }
        if direction.writes() && run.mode == Mode::Full {
            plan.links.push(kind);
            // Nobody tells us what becomes there of what only goes out.
            if !integration.direction_of(kind).reads() && connector.reader().is_some() {
                plan.walks.push(kind);
            }
        }
        if catches_up {
            plan.announces.push(kind);
        }
    }
    plan
}

impl Trip<'_> {
    /// Whether this run walks all objects of a kind.
    pub(super) fn walks(&self, step: Step) -> bool {
        match step {
            Step::List(kind) | Step::Verify(kind) => self.plan.walks.contains(&kind),
            Step::Archived(_) | Step::Remove | Step::Link(_) | Step::Announce(_) | Step::Settle => false,
        }
    }
}

//! Telling how integrations are, whenever one is otherwise than was last told: the backend, and other services whatever that takes.

use domain::notice::News;
use messaging::Context;
use persistence::Scope;
use persistence::health::{self, UntoldStatus};

use super::{send, wait_after};
use crate::backend::Untaken;
use crate::engine::{DispatchError, Engine};

/// Statuses that one process tells in one go.
const STEP: i64 = 50;

/// Tells other services, whether or not there is a backend: what is told and cannot be noted is told again, and so is what was refused,
/// alone.
pub(crate) async fn proclaim_statuses(engine: &Engine, limit: u32) -> Result<(), DispatchError> {
    let mut tx = engine.database.begin(Scope::System).await?;
    let unheard = health::unproclaimed(&mut tx, limit.into()).await?;
    tx.commit().await?;
    if unheard.is_empty() {
        return Ok(());
    }
    let words: Vec<_> = unheard.iter().map(|unheard| unheard.word).collect();
    let said = engine.broker.proclaim(&words, &Context::new()).await;
    let heard = unheard.into_iter().zip(&said).filter(|(_, said)| said.is_ok());
    let heard: Vec<_> = heard.map(|(heard, _)| heard).collect();
    let mut tx = engine.database.begin(Scope::System).await?;
    health::note_proclaimed(&mut tx, &heard).await?;
    tx.commit().await?;
    Ok(said.into_iter().collect::<Result<(), _>>()?)
}

/// Tells the backend what is to be told, until there is nothing more or the backend is away.
pub(crate) async fn tell_statuses(engine: &Engine) -> Result<(), DispatchError> {
    if !engine.backend.is_known() {
        return Ok(());
    }
    while engine.backend.paused_until().is_none() {
        let mut tx = engine.database.begin(Scope::System).await?;
        let untold = health::take_untold(&mut tx, engine.settings.lease, STEP).await?;
        tx.commit().await?;
        if untold.is_empty() {
            break;
        }
        for status in untold {
            tell(engine, status).await?;
        }
    }
    Ok(())
}

async fn tell(engine: &Engine, UntoldStatus { news, told_count, attempts }: UntoldStatus) -> Result<(), DispatchError> {
    let (id, status) = (news.integration_id, news.status);
    let taken = send(engine, &format!("{id} {told_count}"), &News::StatusChanged(news)).await;
    let mut tx = engine.database.begin(Scope::System).await?;
    match taken {
        Ok(()) => health::note_told(&mut tx, id, status).await?,
        Err(Untaken::Away(wait)) => health::note_untold(&mut tx, id, attempts, wait).await?,
        Err(Untaken::Refused(error)) => {
            tracing::warn!(integration.id = %id, error.code = error.code, %error, "the backend does not take a status");
            let wait = wait_after(&engine.schedule, attempts + 1, &error);
            health::note_untold(&mut tx, id, attempts + 1, wait).await?;
        }
    }
    Ok(tx.commit().await?)
}

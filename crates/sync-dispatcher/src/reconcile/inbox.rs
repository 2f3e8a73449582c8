//! Emptying the inbox: what was accepted while the broker was away goes to the broker, and what never can to the dead letters.

use domain::fault::Fault;
use domain::id::MessageId;
use domain::message::StoredMessage;
use domain::step::Step;
use messaging::PublishError;
use persistence::{Scope, inbox};

use super::STEP;
use crate::engine::{DispatchError, Engine};

/// Publishes what is kept, the oldest first, until nothing is left or the broker is away.
pub(super) async fn empty(engine: &Engine) -> Result<(), DispatchError> {
    loop {
        let mut tx = engine.database.begin(Scope::System).await?;
        let messages = inbox::take(&mut tx, STEP).await?;
        let mut done = Vec::new();
        let mut away = None;
        for message in &messages {
            match pass_on(engine, message).await {
                Ok(id) => done.extend(id),
                Err(error) => {
                    away = Some(error);
                    break;
                }
            }
        }
        if !done.is_empty() {
            tx.steps().reached(Step::InboxPassedOn);
        }
        inbox::remove(&mut tx, &done).await?;
        tx.commit().await?;
        if let Some(error) = away {
            return Err(error.into());
        }
        if done.is_empty() {
            return Ok(());
        }
    }
}

/// Publishes one message. One that no queue will ever take becomes a dead letter with the reason, so that it holds up
/// nobody; `None` where not even that is possible, and it stays.
async fn pass_on(engine: &Engine, message: &StoredMessage) -> Result<Option<MessageId>, PublishError> {
    let id = message.id;
    let Err(error) = engine.broker.publish_stored(message).await else { return Ok(Some(id)) };
    if error.kind().is_transient() {
        return Err(error);
    }
    let reason = format!("{}: {error}: `{}`", error.code(), message.queue);
    match engine.broker.bury(message, &reason).await {
        Ok(()) => Ok(Some(id)),
        Err(error) if error.kind().is_transient() => Err(error),
        Err(error) => {
            tracing::error!(message.id = %id, %error, "a message in the inbox can neither be published nor buried");
            Ok(None)
        }
    }
}

//! Making accepted events durable: by the broker, else by the database, else not at all. When they are taken out is `dispatcher`'s.

use domain::message::EventMerge;
use domain::step::Step;
use domain::trace::TraceParent;
use messaging::{Context, PublishError, StoredMessage};
use persistence::{PersistenceError, Scope, inbox};

use crate::refusal::Refusal;
use crate::state::Gateway;

/// Returns once every message is confirmed by its queue or committed to the inbox.
///
/// A message whose confirm did not come in time goes to the inbox under the same id, and may so arrive twice; that is
/// harmless, and losing it would not be.
pub(super) async fn keep(gateway: &Gateway, trace: TraceParent, messages: Vec<EventMerge>) -> Result<(), Refusal> {
    let messages: Vec<_> = messages.into_iter().map(|message| (message, Context::continuing(trace))).collect();
    let steps = gateway.database.steps();
    steps.reached(Step::AcceptBefore);
    let outcomes = gateway.broker.publish_all(&messages).await;
    let unconfirmed: Vec<_> =
        messages.iter().zip(outcomes).filter(|(_, outcome)| outcome.is_err()).map(|(message, _)| message).collect();
    if !unconfirmed.is_empty() {
        store(gateway, &unconfirmed).await.map_err(|error| {
            tracing::error!(%error, messages = unconfirmed.len(), "neither the broker nor the database takes events");
            Refusal::NotAccepted
        })?;
    }
    steps.reached(Step::AcceptAfter);
    Ok(())
}

async fn store(gateway: &Gateway, messages: &[&(EventMerge, Context)]) -> Result<(), IntakeError> {
    let stored = messages.iter().map(|(message, context)| row(message, context)).collect::<Result<Vec<_>, _>>()?;
    let mut tx = gateway.database.begin(Scope::System).await?;
    inbox::store(&mut tx, &stored).await?;
    tx.steps().reached(Step::InboxBefore);
    tx.commit().await?;
    gateway.database.steps().reached(Step::InboxAfter);
    tracing::info!(messages = stored.len(), "events wait in the inbox");
    Ok(())
}

fn row(message: &EventMerge, context: &Context) -> Result<inbox::StoredMessage, PublishError> {
    let StoredMessage { id, message_type, queue, trace, payload } = StoredMessage::of(message, context)?;
    Ok(inbox::StoredMessage { id, message_type, queue, trace, payload })
}

/// Why the inbox did not take events either.
#[derive(Debug, thiserror::Error)]
enum IntakeError {
    #[error("events cannot be encoded")]
    Encoding(#[from] PublishError),
    #[error("the inbox does not take events")]
    Inbox(#[from] PersistenceError),
}

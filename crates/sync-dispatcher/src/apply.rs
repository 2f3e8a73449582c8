//! Applying verified deliveries: what they name is marked for reading, by one transaction for all that came together. The reading
//! itself is `converge`'s.

mod marks;
mod rows;
mod said;

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::fault::{Fault as _, FaultKind};
use domain::message::{Message, RecordPush, TracedDelivery, WebhookApply, WebhookApplyMany};
use domain::step::Step;
use domain::trace::TraceParent;
use messaging::Context;
use messaging::consumer::Handler;
use persistence::Scope;
use persistence::records::guard;
use tokio::sync::Semaphore;

use self::marks::News;
use self::rows::Row;
use self::said::{Content, Delivery};
use crate::affairs;
use crate::converge::Lanes;
use crate::engine::{DispatchError, Engine};

/// How often applying is begun anew that got into somebody else's way.
const COLLISIONS: usize = 3;

/// Links that are announced together, as many as a platform names in one delivery: a lane that is not there yet counts none of them
/// before they arrive.
const ANNOUNCED: usize = 100;

/// Applies one delivery to every tenant that is connected to its account.
#[derive(Clone, Debug)]
pub(crate) struct Apply {
    pub(crate) engine: Engine,
    /// What is marked goes there next.
    pub(crate) lanes: Arc<Lanes<RecordPush>>,
    /// Messages that are written down at once, however many deliveries they hold.
    pub(crate) places: Arc<Semaphore>,
}

impl Handler<WebhookApply> for Apply {
    type Error = DispatchError;

    async fn handle(&self, message: &WebhookApply, context: &Context) -> Result<(), DispatchError> {
        let delivery = Delivery::read(message, context.trace)?;
        self.apply(std::slice::from_ref(&delivery)).await
    }
}

/// Applies deliveries that were published together, each as if it had come alone.
#[derive(Clone, Debug)]
pub(crate) struct ApplyMany(pub(crate) Apply);

impl Handler<WebhookApplyMany> for ApplyMany {
    type Error = DispatchError;

    /// Those that are not applied together go back to the queue, each alone: what is wrong with one then concerns it alone.
    async fn handle(&self, message: &WebhookApplyMany, context: &Context) -> Result<(), DispatchError> {
        // One that comes again was given back, or made us panic, by one of its deliveries.
        let left = if context.attempt == 1 {
            self.0.apply_many(&message.deliveries).await?
        } else {
            message.deliveries.iter().map(|it| alone(&it.delivery, it.trace)).collect()
        };
        self.0.publish(&left).await
    }
}

fn alone(delivery: &WebhookApply, trace: TraceParent) -> (WebhookApply, Context) {
    (delivery.clone(), Context::continuing(trace))
}

impl Apply {
    /// Applies deliveries together, in their order, and gives back what is left of them.
    ///
    /// That is what cannot be read and, from the first that fails on, all that were to be applied with it or after it. Without the
    /// database or the broker none would fare better alone.
    async fn apply_many(&self, deliveries: &[TracedDelivery]) -> Result<Vec<(WebhookApply, Context)>, DispatchError> {
        let (mut readable, mut left) = (Vec::new(), Vec::new());
        for it in deliveries {
            match Delivery::read(&it.delivery, it.trace) {
                Ok(delivery) => readable.push(delivery),
                Err(error) => {
                    note(&error, 1);
                    left.push(alone(&it.delivery, it.trace));
                }
            }
        }
        let mut applied = 0;
        for together in readable.chunk_by(Delivery::goes_with) {
            match self.apply(together).await {
                Ok(()) => applied += together.len(),
                Err(error) if is_away(&error) => return Err(error),
                Err(error) => {
                    note(&error, readable.len().saturating_sub(applied));
                    break;
                }
            }
        }
        left.extend(readable.iter().skip(applied).map(|it| alone(it.message, it.trace)));
        Ok(left)
    }

    /// Applies an affair, or deliveries that go together, as often as that gets into somebody else's way.
    async fn apply(&self, deliveries: &[Delivery<'_>]) -> Result<(), DispatchError> {
        let mut collisions = 0;
        loop {
            match self.apply_once(deliveries).await {
                Err(DispatchError::Persistence(error)) if error.is_collision() && collisions < COLLISIONS => {
                    collisions += 1;
                }
                applied => return applied,
            }
        }
    }

    async fn apply_once(&self, deliveries: &[Delivery<'_>]) -> Result<(), DispatchError> {
        if let [delivery] = deliveries
            && let Content::Affair(affair) = &delivery.content
        {
            let concerned = affairs::heed(&self.engine, delivery.message, affair).await?;
            return self.publish(&rows::of_affair(delivery, &concerned)).await;
        }
        let (news, rows) = self.mark(deliveries).await?;
        self.engine.steps.reached(Step::HookApplied);
        let (announced, told) = tokio::join!(self.announce(news), self.publish(&rows));
        announced.and(told)
    }

    /// Marks what deliveries name; what is to be announced of it, and told to the log.
    async fn mark(&self, deliveries: &[Delivery<'_>]) -> Result<(News, Vec<Row>), DispatchError> {
        // Nobody closes it.
        let _place = self.places.acquire().await.ok();
        let mut tx = self.engine.database.begin_keeping_plans(Scope::System).await?;
        let listeners = said::listeners(&mut tx, deliveries).await?;
        let tenants: BTreeSet<_> = listeners.values().flatten().map(|integration| integration.tenant_id).collect();
        // All of them before any link is locked: whoever waits here for one tenant keeps nobody of another one waiting for a link.
        for tenant in tenants {
            guard::share(&mut tx, tenant).await?;
        }
        let mut said: Vec<_> = deliveries.iter().map(|delivery| delivery.said_to(&listeners)).collect();
        let news = marks::mark(&self.engine, &mut tx, &mut said).await?;
        tx.commit().await?;
        let rows = deliveries.iter().zip(&said).flat_map(|(delivery, said)| rows::of(delivery, said)).collect();
        Ok((news, rows))
    }

    async fn announce(&self, news: News) -> Result<(), DispatchError> {
        let links: Vec<_> = news.into_values().collect();
        // A platform that tells of thousands fills its lane at once: what is beyond would only stand before what others announce.
        for some in links.chunks(ANNOUNCED) {
            let taken = some.iter().filter(|(push, _)| self.lanes.expects(push.tenant_id, push.integration_id));
            let messages: Vec<_> = taken.map(|(push, trace)| (*push, Context::continuing(*trace))).collect();
            self.publish(&messages).await?;
        }
        Ok(())
    }

    async fn publish<M: Message>(&self, messages: &[(M, Context)]) -> Result<(), DispatchError> {
        self.engine.broker.publish_all(messages).await.into_iter().collect::<Result<(), _>>()?;
        Ok(())
    }
}

/// Whether it is nothing that any delivery could be blamed for.
fn is_away(error: &DispatchError) -> bool {
    matches!(error, DispatchError::Persistence(_) | DispatchError::Publish(_)) && error.kind() == FaultKind::Unavailable
}

fn note(error: &DispatchError, messages: usize) {
    let queue = WebhookApplyMany::QUEUE;
    tracing::warn!(queue, error.code = error.code(), %error, messages, "given back, each alone");
}

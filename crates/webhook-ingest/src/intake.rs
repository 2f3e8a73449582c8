//! What is done with one delivery, from the bytes to the answer. The parts do the work; the order is here.

use std::net::IpAddr;
use std::time::Duration;

use connectors::webhook::SecretSource;
use domain::fault::FaultKind;
use domain::id::WebhookLogId;
use domain::platform::PlatformSlug;
use domain::step::Step;
use domain::trace::TraceParent;
use runtime::http::Problem;

use crate::door::{Address, Admitted, Door, Incoming, Refusal};
use crate::keeper::{Keeper, Kept};
use crate::keys::Keys;
use crate::refusals::Refusals;
use crate::repetitions::Repetitions;

const DELIVERIES: &str = "webhook_deliveries_total";

/// Everything that a delivery passes.
#[derive(Debug)]
pub(crate) struct Intake {
    door: Door,
    keys: Keys,
    keeper: Keeper,
    refusals: Refusals,
    repetitions: Repetitions,
}

/// Who is on the line, and in which trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    /// The peer's own address; forwarding headers are for anybody to write.
    pub(crate) sender: Option<IpAddr>,
    pub(crate) trace: TraceParent,
}

impl Intake {
    pub(crate) fn new((door, keys): (Door, Keys), keeper: Keeper, refusals: Refusals, repeat_window: Duration) -> Self {
        Self { door, keys, keeper, refusals, repetitions: Repetitions::within(repeat_window) }
    }

    /// Verifies a delivery and keeps it; returns its id once it is safe. What comes to an address that no integration has is
    /// logged and dropped, and answered like the rest: the answer tells nobody whom we know, and no platform goes on sending.
    ///
    /// # Errors
    /// 401 when it is not the platform's, 400 when it cannot be read, 503 when nothing can keep it or no key is at hand.
    pub(crate) async fn take(
        &self,
        address: &Address,
        incoming: &Incoming<'_>,
        caller: Caller,
    ) -> Result<WebhookLogId, Problem> {
        match self.admit(address, incoming).await {
            Ok(admitted) => self.keep(admitted, caller).await,
            Err(refusal) => {
                count_refusal(&address.platform, refusal);
                self.refusals.log(address, refusal, caller.sender, caller.trace).await;
                problem_of(refusal).map_or_else(|| Ok(WebhookLogId::new()), Err)
            }
        }
    }

    async fn admit(&self, address: &Address, incoming: &Incoming<'_>) -> Result<Admitted, Refusal> {
        match address.signed_by() {
            SecretSource::App => self.door.admit(address, incoming, self.door.app_secrets(address)),
            SecretSource::Integration => {
                let accepted = self.keys.of(address.integration_id).await?;
                let verdict = self.door.admit(address, incoming, accepted.at(incoming.received_at));
                if !matches!(verdict, Err(Refusal::Unverified(_))) {
                    return verdict;
                }
                match self.keys.anew(address.integration_id).await {
                    Some(accepted) => self.door.admit(address, incoming, accepted.at(incoming.received_at)),
                    None => verdict,
                }
            }
        }
    }

    async fn keep(&self, admitted: Admitted, caller: Caller) -> Result<WebhookLogId, Problem> {
        let Admitted { message, delivery_id } = admitted;
        let (delivery, platform) = (message.delivery, message.platform.clone());
        let name = delivery_id.map(|id| self.repetitions.name(&platform, message.integration_id, &id));
        if let Some(first) = name.and_then(|name| self.repetitions.first(name)) {
            count(&platform, "repeated");
            return Ok(first);
        }
        let steps = self.keeper.database.steps();
        steps.reached(Step::HookBefore);
        let kept = self.keeper.keep(message, caller.trace).await;
        let result = match &kept {
            Ok(Kept::Queue) => "published",
            Ok(Kept::Inbox) => "stored",
            Err(_) => "not_kept",
        };
        count(&platform, result);
        kept?;
        steps.reached(Step::HookAfter);
        // Only now: a repetition of what was not kept must be tried anew.
        if let Some(name) = name {
            self.repetitions.remember(name, delivery);
        }
        Ok(delivery)
    }
}

fn count(platform: &PlatformSlug, result: &'static str) {
    metrics::counter!(DELIVERIES, "platform" => platform.to_string(), "result" => result).increment(1);
}

/// What is not signed as it should be is one result, which an alert goes by; beside it stands what was wrong.
fn count_refusal(platform: &PlatformSlug, refusal: Refusal) {
    match refusal {
        Refusal::Unverified(rejection) => {
            let (platform, reason) = (platform.to_string(), rejection.code());
            metrics::counter!(DELIVERIES, "platform" => platform, "result" => "refused", "reason" => reason)
                .increment(1);
        }
        Refusal::Malformed | Refusal::UnknownAddress | Refusal::KeyUnavailable => count(platform, refusal.code()),
    }
}

/// What the sender is told of a refusal; `None` where nothing is to be told.
fn problem_of(refusal: Refusal) -> Option<Problem> {
    match refusal {
        Refusal::Unverified(rejection) => {
            let detail = format!("This is not accepted: {rejection}.");
            Some(Problem::new(FaultKind::Unauthorized, rejection.code(), detail))
        }
        Refusal::UnknownAddress => None,
        Refusal::Malformed => {
            Some(Problem::malformed("The body is not of the form that the platform sends, in UTF-8."))
        }
        Refusal::KeyUnavailable => {
            let detail = "The key that would verify this is not at hand now.";
            Some(Problem::new(FaultKind::Unavailable, "key_unavailable", detail))
        }
    }
}

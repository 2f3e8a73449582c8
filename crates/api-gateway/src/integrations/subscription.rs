//! Whether the platform of an integration calls us when something changes there, as far as is known. Seeing to it is `accounts`'.

use std::time::Duration;

use connectors::subscriptions::BY_HAND;
use connectors::webhook::SecretSource;
use domain::integration::Integration;
use domain::time::Timestamp;
use persistence::app_subscriptions::{self, AppSubscription};
use persistence::{Transaction, incidents, integrations, subscriptions};
use runtime::http::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use super::platform_of;

/// Who looks after the subscriptions of our app does so every day; whoever has not for longer was told not to.
const LOOKED_AFTER: Duration = Duration::from_hours(48);

const ACCOUNT: &str = "account";
const APP: &str = "app";

/// Whether the platform calls when something changes there, as far as is known.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookSubscription)]
pub(crate) struct Subscription {
    /// How it stands.
    pub(crate) state: State,
    /// For whom it is made: `account` is for this one alone, `app` for all accounts that let Coccinelle's app in.
    #[schema(example = "account")]
    pub(crate) made_for: &'static str,
    /// When somebody last looked; `null` where nobody has yet, and where nobody can.
    pub(crate) checked_at: Option<Timestamp>,
    /// What was wrong, in a sentence; `null` where nothing was, and where it is for Coccinelle's operator to mend.
    #[schema(example = "the platform cannot be reached")]
    pub(crate) problem: Option<String>,
    /// Since when changes have come that no delivery told of, although deliveries came before; else `null`.
    pub(crate) silent_since: Option<Timestamp>,
}

/// How a subscription stands.
///
/// `subscribed`: when somebody last looked, the platform called. `problem`: it could not be made to, which is tried again.
/// `pending`: it is seen to at the next check. `by_hand`: somebody who may change the platform's setup makes it there, and nobody
/// can ask whether it stands. `by_operator`: Coccinelle's operator has made it by hand for the whole app. `key_alone`: it is made for
/// Coccinelle's app, which an account that is connected by a key does not let in. Until the platform calls, changes are read at
/// intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookSubscriptionState)]
pub(crate) enum State {
    /// When somebody last looked, the platform called.
    Subscribed,
    /// It could not be made to.
    Problem,
    /// Nobody has looked yet.
    Pending,
    /// Somebody of the account's makes it.
    ByHand,
    /// Our operator has made it for the whole app.
    ByOperator,
    /// An account that is connected by a key does not let our app in.
    KeyAlone,
}

impl Subscription {
    pub(super) async fn of(tx: &mut Transaction, integration: &Integration) -> Result<Self, Problem> {
        let whose = (integration.tenant_id, integration.id);
        let connector = platform_of(&integration.platform)?.connector();
        let known = if connector.subscriptions().is_some() {
            Self::of_account(subscriptions::of(tx, whose).await?)
        } else if connector.webhooks().secret() == SecretSource::Integration {
            Self::unasked(State::ByHand, ACCOUNT)
        } else if integrations::sealed_credentials(tx, integration.tenant_id, integration.id).await?.is_some() {
            // Those are a key; a grant lies elsewhere.
            Self::unasked(State::KeyAlone, APP)
        } else {
            let since = Timestamp::now().minus(LOOKED_AFTER);
            Self::of_app(app_subscriptions::get(tx, &integration.platform, since).await?)
        };
        Ok(Self { silent_since: incidents::silent_since(tx, whose).await?, ..known })
    }

    /// Where we see to it account by account.
    fn of_account(known: Option<subscriptions::Subscription>) -> Self {
        let Some(known) = known else { return Self::unasked(State::Pending, ACCOUNT) };
        let state = match known.problem.as_deref() {
            Some(BY_HAND) => State::ByHand,
            Some(_) => State::Problem,
            None if known.is_standing => State::Subscribed,
            // Somebody is at it for the first time.
            None => State::Pending,
        };
        let checked_at = Some(known.checked_at).filter(|_| state != State::Pending);
        Self { checked_at, problem: known.problem, ..Self::unasked(state, ACCOUNT) }
    }

    /// Where we see to it for our whole app; what is wrong there is no tenant's to mend.
    fn of_app(known: Option<AppSubscription>) -> Self {
        let Some(known) = known else { return Self::unasked(State::ByOperator, APP) };
        let state = match known.problem {
            Some(_) => State::Problem,
            // It may be for the first time.
            None if known.is_under_way => State::Pending,
            None => State::Subscribed,
        };
        let checked_at = Some(known.checked_at).filter(|_| state != State::Pending);
        Self { checked_at, ..Self::unasked(state, APP) }
    }

    fn unasked(state: State, made_for: &'static str) -> Self {
        Self { state, made_for, checked_at: None, problem: None, silent_since: None }
    }

    /// Whether it is made once for all accounts that let our app in.
    pub(crate) fn is_the_apps(&self) -> bool {
        self.made_for == APP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_at_an_account_says_how_it_stands() {
        let checked_at = Timestamp::parse("2026-11-28T10:00:00Z").unwrap();
        let state = |problem: Option<&str>, is_standing: bool| {
            let problem = problem.map(str::to_owned);
            let known = subscriptions::Subscription { checked_at, problem, is_standing, secret_made_at: None };
            let shown = Subscription::of_account(Some(known));
            (shown.state, shown.checked_at.is_some())
        };
        assert_eq!(state(None, true), (State::Subscribed, true));
        assert_eq!(state(Some(BY_HAND), true), (State::ByHand, true));
        assert_eq!(state(Some("the platform cannot be reached"), true), (State::Problem, true));
        assert_eq!(state(None, false), (State::Pending, false), "somebody has only begun");
        assert_eq!(Subscription::of_account(None).state, State::Pending);
    }

    #[test]
    fn what_is_wrong_with_our_app_is_not_told_to_tenants() {
        let checked_at = Timestamp::parse("2026-11-28T10:00:00Z").unwrap();
        let of = |problem: Option<&str>, is_under_way: bool| {
            let problem = problem.map(str::to_owned);
            Subscription::of_app(Some(AppSubscription { checked_at, problem, is_under_way }))
        };
        let wrong = of(Some("The API key provided is invalid"), false);
        assert_eq!((wrong.state, wrong.problem), (State::Problem, None));
        assert_eq!(of(Some("The API key provided is invalid"), true).state, State::Problem);
        assert_eq!(of(None, false).state, State::Subscribed);
        let begun = of(None, true);
        assert_eq!((begun.state, begun.checked_at), (State::Pending, None), "somebody has only begun");
        assert_eq!(Subscription::of_app(None).state, State::ByOperator);
    }
}

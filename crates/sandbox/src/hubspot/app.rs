//! The app that the stand-in plays, as its developer set it up: one target and its subscriptions, which hold for every portal that
//! lets the app in. How they are asked for is `subscriptions`'.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};

use super::{ApiError, webhooks::AppWebhook};
use crate::{
    clock::{self, Millis},
    oauth::CLIENT_SECRET,
    sender::{Secret, Webhook},
};

/// What the developer shows instead of a portal's token.
pub(crate) const DEVELOPER_KEY: &str = "sandbox-developer-key";

/// The developer's own portal, whose switches and limits are those of the app's endpoints.
pub(crate) const DEVELOPER: u64 = 1_111;

/// Where the app is called, and how hastily.
#[derive(Clone, Debug)]
struct Settings {
    carrier: Arc<AppWebhook>,
    throttling: Value,
    created_at: Millis,
    updated_at: Millis,
}

impl Settings {
    fn show(&self) -> Value {
        json!({
            "targetUrl": self.carrier.0.target_url, "throttling": self.throttling,
            "createdAt": clock::iso(self.created_at), "updatedAt": clock::iso(self.updated_at),
        })
    }
}

/// What the app is told of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Topic {
    pub(crate) event_type: String,
    pub(crate) object_type_id: Option<String>,
    pub(crate) property_name: Option<String>,
}

impl Topic {
    /// What an event is about.
    fn of(event: &Value) -> Self {
        let text = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            event_type: text("subscriptionType").unwrap_or_default(),
            object_type_id: text("objectTypeId"),
            property_name: text("propertyName"),
        }
    }
}

/// A subscription, active or paused.
#[derive(Clone, Debug)]
struct Subscription {
    topic: Topic,
    active: bool,
    created_at: Millis,
    updated_at: Millis,
}

impl Subscription {
    fn show(&self, id: u64) -> Value {
        let mut shown = json!({
            "id": id.to_string(), "eventType": self.topic.event_type, "active": self.active,
            "createdAt": clock::iso(self.created_at), "updatedAt": clock::iso(self.updated_at),
        });
        for (name, value) in [("objectTypeId", &self.topic.object_type_id), ("propertyName", &self.topic.property_name)]
        {
            if let (Some(value), Some(fields)) = (value, shown.as_object_mut()) {
                fields.insert(name.to_owned(), json!(value));
            }
        }
        shown
    }
}

#[derive(Debug, Default)]
struct State {
    settings: Option<Settings>,
    subscriptions: BTreeMap<u64, Subscription>,
    made: u64,
}

/// The app. A restarted sandbox has forgotten how it was set up.
#[derive(Debug, Default)]
pub(crate) struct App(Mutex<State>);

impl App {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn clear(&self) {
        *self.lock() = State::default();
    }

    pub(crate) fn settings(&self) -> Result<Value, ApiError> {
        self.lock().settings.as_ref().map(Settings::show).ok_or_else(|| ApiError::not_found("settings"))
    }

    /// Has the app called there from now on.
    pub(crate) fn point(&self, target_url: String, throttling: Value) -> Value {
        let mut state = self.lock();
        let now = clock::now();
        let created_at = state.settings.as_ref().map_or(now, |before| before.created_at);
        let webhook = Webhook { target_url, public_url: None, client_secret: Secret(CLIENT_SECRET.to_owned()) };
        let settings = Settings { carrier: Arc::new(AppWebhook(webhook)), throttling, created_at, updated_at: now };
        let shown = settings.show();
        state.settings = Some(settings);
        shown
    }

    /// Has nobody called any more.
    pub(crate) fn unpoint(&self) {
        self.lock().settings = None;
    }

    pub(crate) fn list(&self) -> Vec<Value> {
        self.lock().subscriptions.iter().map(|(id, subscription)| subscription.show(*id)).collect()
    }

    pub(crate) fn get(&self, id: u64) -> Result<Value, ApiError> {
        let state = self.lock();
        let found = state.subscriptions.get(&id).map(|subscription| subscription.show(id));
        found.ok_or_else(|| ApiError::not_found(&id.to_string()))
    }

    /// HubSpot does not say what a second subscription of the same topic comes to; here it is a conflict, so that a test sees it.
    pub(crate) fn subscribe(&self, topic: Topic, active: bool) -> Result<Value, ApiError> {
        let mut state = self.lock();
        if state.settings.is_none() {
            return Err(ApiError::validation("The app has no webhook settings yet: set a target URL first"));
        }
        if state.subscriptions.values().any(|there| there.topic == topic) {
            return Err(ApiError::conflict("A subscription of this type exists already"));
        }
        let now = clock::now();
        state.made = state.made.saturating_add(1);
        let id = state.made;
        let subscription = Subscription { topic, active, created_at: now, updated_at: now };
        let shown = subscription.show(id);
        state.subscriptions.insert(id, subscription);
        Ok(shown)
    }

    pub(crate) fn switch(&self, id: u64, active: bool) -> Result<Value, ApiError> {
        let mut state = self.lock();
        let found = state.subscriptions.get_mut(&id).ok_or_else(|| ApiError::not_found(&id.to_string()))?;
        found.active = active;
        found.updated_at = clock::now();
        Ok(found.show(id))
    }

    pub(crate) fn unsubscribe(&self, id: u64) {
        self.lock().subscriptions.remove(&id);
    }

    /// Which of these events the app is told of, each under its subscription, and by what.
    pub(crate) fn told(&self, events: &[Value]) -> Option<(Arc<AppWebhook>, Vec<Value>)> {
        let state = self.lock();
        let carrier = Arc::clone(&state.settings.as_ref()?.carrier);
        let told = events.iter().filter_map(|event| {
            let topic = Topic::of(event);
            let mut active = state.subscriptions.iter().filter(|(_, subscription)| subscription.active);
            let (id, _) = active.find(|(_, subscription)| subscription.topic == topic)?;
            let mut event = event.clone();
            event.as_object_mut()?.insert("subscriptionId".to_owned(), json!(id));
            Some(event)
        });
        Some((carrier, told.collect()))
    }
}

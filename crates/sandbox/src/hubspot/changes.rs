//! Writes to one portal, made under its lock: checked, applied, journalled, and turned into events.

use serde_json::Value;

use super::{
    Account, ApiError,
    account::State,
    errors::Refusal,
    kinds::Kind,
    properties::Definition,
    validation::{self, Values},
    webhooks,
};
use crate::{
    clock::{self, Millis},
    journal::{Action, By, Entry, Target},
};

/// One end of an association.
pub(crate) type End = (Kind, u64);

/// The writes of one request.
pub(crate) struct Changes<'a> {
    account: &'a Account,
    state: &'a mut State,
    by: By,
    now: Millis,
    events: Vec<Value>,
}

impl<'a> Changes<'a> {
    pub(crate) fn new(account: &'a Account, state: &'a mut State, by: By) -> Self {
        Self { account, state, by, now: clock::now(), events: Vec::new() }
    }

    pub(crate) fn state(&self) -> &State {
        self.state
    }

    pub(crate) fn finish(self) -> Vec<Value> {
        self.events
    }

    pub(crate) fn create(&mut self, kind: Kind, written: Values, ends: &[End]) -> Result<u64, ApiError> {
        validation::require(kind, &written)?;
        let stored = self.keep(kind, &written)?;
        self.check_unique(kind, None, &stored)?;
        if let Some(end) = ends.iter().find(|(to, id)| self.state.live(*to, *id).is_none()) {
            let message =
                format!("One or more associations are not valid: {} {} does not exist", end.0.singular(), end.1);
            return Err(ApiError::validation(message));
        }
        let id = self.state.next_id;
        let changed = self.commit(self.entry(kind, Action::Created, id).with_values(written, stored));
        self.tell(webhooks::About::Created, kind, id);
        self.tell_values(kind, id, changed);
        for end in ends {
            self.tie((kind, id), *end, Action::Associated);
        }
        Ok(id)
    }

    pub(crate) fn update(&mut self, kind: Kind, id: u64, written: Values) -> Result<(), ApiError> {
        if self.state.live(kind, id).is_none() {
            return Err(ApiError::not_found(&id.to_string()));
        }
        let stored = self.keep(kind, &written)?;
        self.check_unique(kind, Some(id), &stored)?;
        let changed = self.commit(self.entry(kind, Action::Updated, id).with_values(written, stored));
        self.tell_values(kind, id, changed);
        Ok(())
    }

    /// Archiving what is archived already is well, and no write.
    pub(crate) fn archive(&mut self, kind: Kind, id: u64) -> Result<(), ApiError> {
        if !self.state.table(kind).records.contains_key(&id) {
            return Err(ApiError::not_found(&id.to_string()));
        }
        if self.state.live(kind, id).is_some() {
            self.commit(self.entry(kind, Action::Archived, id));
            self.tell(webhooks::About::Deleted, kind, id);
        }
        Ok(())
    }

    /// Ties two objects, or unties them.
    pub(crate) fn tie(&mut self, from: End, to: End, action: Action) {
        let type_id = from.0.association_to(to.0).unwrap_or_default();
        let to = Target { object_type: to.0.plural().into(), id: to.1.to_string(), type_id };
        let entry = Entry { to: Some(to), ..self.entry(from.0, action, from.1) };
        self.commit(entry);
    }

    pub(crate) fn define(&mut self, kind: Kind, definition: &Definition) {
        let entry = Entry {
            id: definition.name.clone(),
            definition: serde_json::to_value(definition).ok(),
            ..self.entry(kind, Action::PropertyCreated, 0)
        };
        self.commit(entry);
    }

    /// Checks the values and returns what the platform makes of them.
    fn keep(&self, kind: Kind, written: &Values) -> Result<Values, ApiError> {
        let mut kept = validation::normalise(self.state.table(kind), written)?;
        for (name, value) in &mut kept {
            *value = self.state.faults.distort(name, value);
        }
        Ok(kept)
    }

    /// A contact's e-mail that is taken is a 409 on creation; any other clash is a refused value.
    fn check_unique(&self, kind: Kind, own: Option<u64>, kept: &Values) -> Result<(), ApiError> {
        let table = self.state.table(kind);
        let unique = kept.iter().filter(|(name, value)| {
            !value.is_empty() && table.definitions.get(*name).is_some_and(|definition| definition.unique)
        });
        for (name, value) in unique {
            let Some(holder) = table.holder(name, value).filter(|holder| Some(*holder) != own) else { continue };
            if own.is_none() && name == "email" {
                return Err(ApiError::conflict(format!("Contact already exists. Existing ID: {holder}")));
            }
            let coordinates = format!(
                "PropertyValueCoordinates{{portalId={}, objectTypeId=ObjectTypeId{{legacyObjectType={}}}, propertyName={name}, value={value}}}",
                self.account.portal,
                kind.singular().to_uppercase(),
            );
            let target = own.map_or_else(|| "a new object".to_owned(), |id| id.to_string());
            let message = format!("Cannot set {coordinates} on {target}. {holder} already has that value.");
            return Err(ApiError::refused(&[Refusal {
                property: name.clone(),
                code: "CONFLICTING_UNIQUE_VALUE",
                message,
            }]));
        }
        Ok(())
    }

    fn entry(&self, kind: Kind, action: Action, id: u64) -> Entry {
        let account = self.account.portal.to_string();
        Entry::new((super::SLUG, &account), self.now, (kind.plural(), id.to_string()), (action, self.by))
    }

    fn commit(&mut self, entry: Entry) -> Vec<(String, String)> {
        let changed = self.state.apply(&entry);
        self.account.tools.journal.append(entry);
        changed
    }

    fn tell_values(&mut self, kind: Kind, id: u64, changed: Vec<(String, String)>) {
        for (name, value) in changed {
            self.tell(webhooks::About::Value(name, value), kind, id);
        }
    }

    fn tell(&mut self, about: webhooks::About, kind: Kind, id: u64) {
        if self.state.webhook.is_some() || self.state.lets_app_in {
            let change = webhooks::Change { portal: self.account.portal, kind, id, at: self.now, by: self.by };
            self.events.push(webhooks::event(&change, about));
        }
    }
}

impl Entry {
    /// Keeps of the stored values only what differs from the written ones.
    fn with_values(self, written: Values, mut stored: Values) -> Self {
        stored.retain(|name, value| written.get(name) != Some(value));
        Self { properties: written, stored, ..self }
    }
}

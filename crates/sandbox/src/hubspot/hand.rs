//! A portal as the control API and the page see it: a person's hand in the CRM's own pages.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value};

use super::{Account, ApiError, Record, kinds::Kind, validation::read_values, webhooks::AppWebhook};
use crate::{
    clock,
    faults::Faults,
    journal::{By, Entry},
    sender::Webhook,
    stand_in::{self, Refused, Row, Sheet},
};

const fn columns(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Contact => &["email", "firstname", "lastname", "phone", "company", "city"],
        Kind::Deal => &["dealname", "dealstage", "amount", "closedate"],
        Kind::Call => &["hs_call_title", "hs_timestamp", "hs_call_duration", "hs_call_status"],
    }
}

fn row(record: &Record) -> Row {
    Row {
        id: record.id.to_string(),
        values: columns(record.kind).iter().map(|name| record.value(name).unwrap_or_default()).collect(),
        updated_at: clock::iso(record.updated_at()),
    }
}

fn number(id: &str) -> Result<u64, ApiError> {
    id.parse().ok().ok_or_else(|| ApiError::not_found(id))
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self::new(error.code.as_u16(), error.message.clone())
    }
}

impl stand_in::Account for Account {
    fn id(&self) -> String {
        self.portal.to_string()
    }

    fn replay(&self, entry: &Entry) {
        self.adjust(|state| state.apply(entry));
    }

    fn faults(&self) -> Faults {
        self.read(|state| state.faults.clone())
    }

    fn set_faults(&self, faults: Faults) {
        self.adjust(|state| state.faults = faults);
    }

    fn adjust_faults(&self, change: &mut dyn FnMut(&mut Faults)) {
        self.adjust(|state| change(&mut state.faults));
    }

    fn webhook(&self) -> Option<Webhook> {
        self.read(|state| state.webhook.as_ref().map(|webhook| webhook.0.clone()))
    }

    fn set_webhook(&self, webhook: Option<Webhook>) {
        self.adjust(|state| state.webhook = webhook.map(|webhook| Arc::new(AppWebhook(webhook))));
    }

    fn shelves(&self) -> Vec<(&'static str, usize)> {
        let count = |kind: Kind| self.read(|state| state.lives(kind).count());
        Kind::ALL.map(|kind| (kind.plural(), count(kind))).to_vec()
    }

    fn sheet(&self, kind: &str, skip: usize, take: usize) -> Option<Sheet> {
        let kind = Kind::parse(kind).ok()?;
        let rows = self.read(|state| state.lives(kind).rev().skip(skip).take(take).map(row).collect());
        Some(Sheet { kind: kind.plural(), columns: columns(kind).to_vec(), rows })
    }

    fn create(&self, kind: &str, rows: Vec<Map<String, Value>>) -> Result<Vec<String>, Refused> {
        let kind = Kind::parse(kind)?;
        let rows = rows.into_iter().map(read_values).collect::<Result<Vec<BTreeMap<_, _>>, _>>()?;
        Ok(self.write(By::User, |changes| {
            let created = rows.into_iter().map(|values| changes.create(kind, values, &[]).map(|id| id.to_string()));
            created.collect::<Result<Vec<String>, _>>()
        })?)
    }

    fn update(&self, kind: &str, id: &str, fields: Map<String, Value>) -> Result<(), Refused> {
        let (kind, id, values) = (Kind::parse(kind)?, number(id)?, read_values(fields)?);
        Ok(self.write(By::User, |changes| changes.update(kind, id, values))?)
    }

    fn remove(&self, kind: &str, id: &str) -> Result<(), Refused> {
        let (kind, id) = (Kind::parse(kind)?, number(id)?);
        Ok(self.write(By::User, |changes| changes.archive(kind, id))?)
    }
}

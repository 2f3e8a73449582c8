//! The part of an integration's settings that says who hears of its trouble, and of which. What may stand in it is the API's to say.

use domain::alert::{Alerts, Audience};
use domain::incident::Trigger;
use serde_json::{Value, json};

use super::super::fields::Fields;
use super::super::form::{Form, word};
use super::super::text::{Message, alerts as m};

/// A trouble that can be heard of.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) field: String,
    pub(super) title: Message,
    pub(super) is_heard: bool,
}

/// The troubles, with those ticked that are heard of.
pub(super) fn troubles(form: &Form) -> Vec<Trouble> {
    let trouble = |trigger| {
        let field = field_of(trigger);
        Trouble { is_heard: form.has(&field), title: m::title(trigger), field }
    };
    Trigger::OF_TENANTS.into_iter().map(trouble).collect()
}

/// The fields as they stand before anybody has typed something.
pub(super) fn filled(alerts: &Alerts) -> Vec<(String, String)> {
    let heard = |trigger: &Trigger| alerts.triggers.as_ref().is_none_or(|chosen| chosen.contains(trigger));
    let ticked = Trigger::OF_TENANTS.into_iter().filter(heard).map(|trigger| (field_of(trigger), "1".to_owned()));
    let typed = [("alerts.to", word(alerts.to)), ("alerts.emails", alerts.emails.join("\n"))];
    typed.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(ticked).collect()
}

/// What was chosen, as the API takes it; `None` where the form has none of these fields, so that it stays as it is.
pub(super) fn chosen(fields: &Fields) -> Option<Value> {
    let to = fields.given("alerts.to")?;
    let ticked: Vec<_> = Trigger::OF_TENANTS.into_iter().filter(|trigger| fields.has(&field_of(*trigger))).collect();
    // Who hears of nothing ticks nothing.
    let is_all = ticked.len() == Trigger::OF_TENANTS.len() || (ticked.is_empty() && to == word(Audience::Nobody));
    Some(json!({
        "to": to, "emails": fields.lines("alerts.emails"), "triggers": (!is_all).then_some(ticked),
    }))
}

fn field_of(trigger: Trigger) -> String {
    format!("alerts.triggers.{}", trigger.as_str())
}

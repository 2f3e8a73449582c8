//! Who hears of one integration's trouble, and of which: the tenant's choice for it. What is trouble is `incident`'s.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::InputFault;
use crate::incident::Trigger;
use crate::schema;

/// Addresses that are told at most.
const EMAILS: usize = 10;

/// Who hears of an integration's trouble.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AlertAudience)]
pub enum Audience {
    /// Whom the tenant's settings name.
    #[default]
    Tenant,
    /// Addresses of its own are mailed; the tenant's webhooks are told as ever.
    Addresses,
    /// Nobody, neither by mail nor by webhook.
    Nobody,
}

/// Who hears of an integration's trouble, and of which.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    /// Who hears of it.
    #[serde(default)]
    pub to: Audience,
    /// Who is mailed where `to` is `addresses`.
    #[serde(default)]
    #[schema(max_items = 10, example = json!(["boutique@cabinet.example"]))]
    pub emails: Vec<String>,
    /// Of which trouble; of all of it where this is `null`.
    #[serde(default)]
    #[schema(example = json!(["reauth_required"]))]
    pub triggers: Option<BTreeSet<Trigger>>,
}

impl Alerts {
    /// Whether anybody wants to hear of this.
    #[must_use]
    pub fn hear(&self, trigger: Trigger) -> bool {
        self.to != Audience::Nobody && self.triggers.as_ref().is_none_or(|chosen| chosen.contains(&trigger))
    }

    /// Who is mailed, where the tenant's settings name these.
    #[must_use]
    pub fn mailed<'a>(&'a self, tenants: &'a [String]) -> BTreeSet<&'a str> {
        let addresses = match self.to {
            Audience::Tenant => tenants,
            Audience::Addresses => &self.emails,
            Audience::Nobody => &[],
        };
        addresses.iter().map(String::as_str).collect()
    }

    /// Everything in it that cannot be; `path` is where it stands in the request.
    #[must_use]
    pub fn faults(&self, path: &str) -> Vec<InputFault> {
        let mut faults = email_faults(&format!("{path}.emails"), &self.emails);
        let mut fault = |place: &str, message: &str| {
            faults.push(InputFault { path: format!("{path}.{place}"), message: message.to_owned() });
        };
        if self.to == Audience::Addresses && self.emails.is_empty() {
            fault("emails", "must be one address at least, or `to` be another");
        }
        let chosen = self.triggers.iter().flatten();
        if chosen.clone().any(|trigger| !Trigger::OF_TENANTS.contains(trigger)) {
            fault("triggers", "must be trouble of an integration, not of the operators");
        }
        if self.triggers.is_some() && chosen.count() == 0 {
            fault("triggers", "must be one at least, or `to` be `nobody`");
        }
        faults
    }
}

/// What is wrong with addresses that are to be told of trouble.
#[must_use]
pub fn email_faults(path: &str, emails: &[String]) -> Vec<InputFault> {
    let fault = |path: String, message: String| InputFault { path, message };
    let too_many = (emails.len() > EMAILS).then(|| fault(path.to_owned(), format!("must be {EMAILS} at most")));
    let addresses = emails.iter().enumerate().take(EMAILS).filter(|(_, email)| !schema::is_email(email));
    let wrong = addresses.map(|(index, _)| fault(format!("{path}[{index}]"), "must be an e-mail address".to_owned()));
    too_many.into_iter().chain(wrong).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn alerts(json: serde_json::Value) -> Alerts {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn nothing_chosen_is_the_tenants_settings_and_all_trouble() {
        let usual = alerts(json!({}));
        let tenants = ["b@cabinet.example", "a@cabinet.example", "a@cabinet.example"].map(str::to_owned);
        assert_eq!(usual, Alerts::default());
        assert_eq!(usual.mailed(&tenants), ["a@cabinet.example", "b@cabinet.example"].into());
        assert!(Trigger::OF_TENANTS.into_iter().all(|trigger| usual.hear(trigger)));
    }

    #[test]
    fn others_are_mailed_of_what_they_want_to_hear_and_nobody_of_nothing() {
        let tenants = ["a@cabinet.example".to_owned()];
        let chosen = json!({ "to": "addresses", "emails": ["c@cabinet.example"], "triggers": ["reauth_required"] });
        let chosen = alerts(chosen);
        assert_eq!(chosen.mailed(&tenants), ["c@cabinet.example"].into());
        assert!(chosen.hear(Trigger::ReauthRequired) && !chosen.hear(Trigger::Failing));
        let nobody = alerts(json!({ "to": "nobody" }));
        assert!(nobody.mailed(&tenants).is_empty() && !nobody.hear(Trigger::ReauthRequired));
    }

    #[test]
    fn every_fault_is_named_by_its_path() {
        let paths = |json| alerts(json).faults("alerts").into_iter().map(|fault| fault.path).collect::<Vec<_>>();
        assert_eq!(paths(json!({ "to": "addresses", "emails": ["a@cabinet.example"] })), Vec::<String>::new());
        assert_eq!(paths(json!({ "to": "addresses" })), ["alerts.emails"]);
        let mistyped = json!({ "emails": ["a@cabinet.example", "<b>", " <c@cabinet.example>"] });
        assert_eq!(paths(mistyped), ["alerts.emails[1]", "alerts.emails[2]"]);
        assert_eq!(paths(json!({ "emails": vec!["a@cabinet.example"; 11] })), ["alerts.emails"]);
        assert_eq!(paths(json!({ "triggers": [] })), ["alerts.triggers"]);
        assert_eq!(paths(json!({ "triggers": ["dead_letters"] })), ["alerts.triggers"]);
    }
}

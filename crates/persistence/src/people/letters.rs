//! What is left of messages that nobody could handle, once a person is taken out of them. Where they lie is `messaging`'s.

use domain::remnant::Remnant;
use serde_json::Value;

use super::Person;

impl Person {
    /// What is left of a dead letter: of events of several people, those of the others. A letter of another tenant is left
    /// alone, and so is one of which nothing says whose it is.
    #[must_use]
    pub fn taken_out_of(&self, payload: &[u8]) -> Remnant {
        let text = String::from_utf8_lossy(payload);
        let Ok(mut message) = serde_json::from_slice::<Value>(payload) else {
            return all_or_nothing(self.may_own(&text) && self.is_named_in(&text));
        };
        let owner = message.get("tenant_id").and_then(Value::as_str);
        let is_ours = owner.map_or_else(|| self.may_own(&text), |owner| owner == self.contact.tenant_id.to_string());
        if !is_ours {
            return Remnant::Whole;
        }
        let Some(events) = message.get_mut("events").and_then(Value::as_array_mut) else {
            return all_or_nothing(self.is_named_in(&text));
        };
        let before = events.len();
        events.retain(|event| !self.is_about(event));
        match events.len() {
            left if left == before => Remnant::Whole,
            0 => Remnant::Nothing,
            _ => serde_json::to_vec(&message).map_or(Remnant::Nothing, Remnant::Part),
        }
    }

    /// Whether a text may be the tenant's: it names it, or an account in which the person is.
    fn may_own(&self, text: &str) -> bool {
        text.contains(&self.contact.tenant_id.to_string()) || self.accounts.iter().any(|account| has(text, account))
    }

    /// Whether an event has the person for its subject, belongs to it, or names it by an address or a number.
    fn is_about(&self, event: &Value) -> bool {
        let subjects = self.values("coccinelle");
        let refers = |name: &str| event.get(name).and_then(Value::as_str).is_some_and(|id| subjects.contains(&id));
        refers("subject_id") || refers("prospect_id") || self.is_written_in(&event.to_string())
    }

    fn is_named_in(&self, text: &str) -> bool {
        let records = self.records();
        records.iter().any(|id| text.contains(&id.to_string()))
            || self.links.iter().any(|id| text.contains(id))
            || self.values("external_id").iter().any(|id| has(text, id))
            || self.values("coccinelle").iter().any(|id| text.contains(&format!("\"{id}\"")))
            || self.is_written_in(text)
    }

    /// Whether an address or a number of the person stands in a text, as it is shown or in its normal form.
    fn is_written_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.written().iter().any(|written| text.contains(written))
    }
}

fn all_or_nothing(goes: bool) -> Remnant {
    if goes { Remnant::Nothing } else { Remnant::Whole }
}

/// Whether `word` stands in `text` by itself, and not as a part of a longer one.
fn has(text: &str, word: &str) -> bool {
    let is_inside = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    !word.is_empty()
        && text.match_indices(word).any(|(at, _)| {
            let (before, rest) = text.split_at_checked(at).unwrap_or((text, ""));
            let after = rest.strip_prefix(word).unwrap_or_default();
            !is_inside(before.chars().next_back()) && !is_inside(after.chars().next())
        })
}

#[cfg(test)]
mod tests {
    use domain::field::{FieldName, FieldValue};
    use domain::id::{IntegrationId, RecordId, TenantId};
    use domain::identity::{Identity, Scheme};
    use domain::kind::RecordKind;
    use domain::record::{Fields, Record, Stamp};
    use domain::time::Timestamp;
    use serde_json::json;

    use super::super::Identifier;
    use super::*;

    fn zoe() -> Person {
        let (tenant_id, origin) = (TenantId::new(), IntegrationId::new());
        let stamp = Stamp { rank: 0, at: Timestamp::now(), origin };
        let mut fields = Fields::default();
        fields.set(FieldName::new("phone"), FieldValue::text("06 12 34 56 78"), stamp);
        let contact = Record { id: RecordId::new(), tenant_id, kind: RecordKind::Contact, fields, version: 1 };
        let known =
            |scheme, value: &str| Identifier::Known(RecordKind::Contact, Identity { scheme, value: value.to_owned() });
        let identifiers = [
            known(Scheme::Coccinelle, "p-7"),
            known(Scheme::Email, "zoe@exemple.fr"),
            known(Scheme::Phone, "+33612345678"),
            Identifier::External(origin, RecordKind::Contact, "70501".to_owned()),
        ];
        let (links, accounts) = (vec!["lnk_of_zoe".to_owned()], ["4242".to_owned()].into());
        Person { contact, dependents: Vec::new(), former: Vec::new(), identifiers: identifiers.into(), links, accounts }
    }

    #[test]
    fn of_several_events_those_of_others_are_left() {
        let zoe = zoe();
        let event = |subject: &str, data: Value| json!({ "subject_id": subject, "data": data });
        let max = event("p-70", json!({ "email": "max@exemple.fr", "notes": "70501 p-7" }));
        let hers = [
            event("p-7", json!({})),
            event("p-8", json!({ "email": "ZOE@exemple.fr" })),
            event("p-9", json!({ "phone": "06 12 34 56 78" })),
            json!({ "subject_id": "a-1", "prospect_id": "p-7" }),
        ];
        let of = |tenant: TenantId, events: &[Value]| json!({ "tenant_id": tenant, "events": events }).to_string();
        let ours = |events: &[Value]| zoe.taken_out_of(of(zoe.contact.tenant_id, events).as_bytes());
        for event in &hers {
            assert_eq!(ours(std::slice::from_ref(event)), Remnant::Nothing, "{event}");
            let Remnant::Part(left) = ours(&[event.clone(), max.clone()]) else { panic!("{event}") };
            let left: Value = serde_json::from_slice(&left).unwrap();
            assert_eq!(left["events"], json!([max]));
        }
        assert_eq!(ours(&[max]), Remnant::Whole);
        assert_eq!(zoe.taken_out_of(of(TenantId::new(), &hers).as_bytes()), Remnant::Whole, "another tenant's");
    }

    #[test]
    fn any_other_letter_that_names_the_person_goes_and_nobody_elses_does() {
        let zoe = zoe();
        let tenant = zoe.contact.tenant_id;
        let delivery = |account: u32, object: u32| {
            let body = json!([{ "portalId": account, "objectId": object }]).to_string();
            json!({ "platform": "hubspot", "body": body }).to_string()
        };
        for goes in [
            delivery(4242, 70_501),
            json!({ "tenant_id": tenant, "link_id": "lnk_of_zoe" }).to_string(),
            json!({ "tenant_id": tenant, "record_id": zoe.contact.id }).to_string(),
            format!("{{\"tenant_id\":\"{tenant}\",\"events\":[{{\"subject_id\":\"p-7\","),
        ] {
            assert_eq!(zoe.taken_out_of(goes.as_bytes()), Remnant::Nothing, "{goes}");
        }
        for stays in [
            delivery(5353, 70_501),
            delivery(4242, 705_019),
            json!({ "tenant_id": tenant, "link_id": "lnk_of_max" }).to_string(),
            json!({ "tenant_id": TenantId::new(), "note": "4242 zoe@exemple.fr" }).to_string(),
            "{\"events\":[{\"email\":\"zoe@exemple.fr\"".to_owned(),
            String::new(),
        ] {
            assert_eq!(zoe.taken_out_of(stays.as_bytes()), Remnant::Whole, "{stays}");
        }
    }
}

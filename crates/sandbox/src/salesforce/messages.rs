//! Outbound messages: SOAP, unsigned, up to a hundred notifications each, sent again until they are acknowledged.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{ids, org::Org, setup};
use crate::{
    desk::Ledger,
    sender::{Carrier, Letter},
};

/// The id of the message that tells of everything, to where the sandbox's own page says.
const OF_ALL: &str = "04k5g000000001AAAQ";

/// Where one of an organisation's messages goes.
#[derive(Debug)]
pub(crate) struct Message {
    id: String,
    url: String,
    organisation: String,
}

impl Carrier for Message {
    fn url(&self) -> &str {
        &self.url
    }

    fn most_events(&self) -> usize {
        100
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn pauses(&self) -> &'static [Duration] {
        const { &[Duration::from_secs(5), Duration::from_secs(15), Duration::from_secs(60)] }
    }

    fn write(&self, events: &[Value], _attempt: usize) -> Letter {
        let text = |event: &Value, name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let notification = |event: &Value| {
            let (id, kind, object) = (text(event, "id"), text(event, "type"), text(event, "object"));
            format!(
                "<Notification><Id>{id}</Id><sObject xsi:type=\"sf:{kind}\" xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\">\
                 <sf:Id>{object}</sf:Id></sObject></Notification>"
            )
        };
        let notifications: String = events.iter().map(notification).collect();
        let (organisation, id) = (&self.organisation, &self.id);
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
             <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\
             <soapenv:Body><notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\">\
             <OrganizationId>{organisation}</OrganizationId><ActionId>{id}</ActionId>\
             <SessionId xsi:nil=\"true\"/><EnterpriseUrl>https://example.my.salesforce.com/services/Soap/c/68.0</EnterpriseUrl>\
             <PartnerUrl>https://example.my.salesforce.com/services/Soap/u/68.0</PartnerUrl>\
             {notifications}</notifications></soapenv:Body></soapenv:Envelope>"
        );
        let headers = vec![("content-type", "text/xml; charset=utf-8".to_owned()), ("soapaction", "\"\"".to_owned())];
        Letter { headers, body }
    }
}

/// Tells that an object was made or changed; nobody is told of what was deleted.
pub(crate) fn tell(ledger: &mut Ledger<'_, Org>, kind: &str, id: u64) {
    if kind == "OpportunityContactRole" {
        return;
    }
    let of_all = ledger.state.webhook.as_ref().map(|webhook| (OF_ALL.to_owned(), webhook.target_url.clone()));
    for place in of_all.into_iter().chain(setup::sent(&ledger.state.store, kind)) {
        let organisation = &ledger.desk.id;
        let made = |(id, url): &(String, String)| {
            Arc::new(Message { id: id.clone(), url: url.clone(), organisation: organisation.clone() })
        };
        let carrier = Arc::clone(ledger.state.own.carriers.entry(place).or_insert_with_key(made));
        let number = rand::random_range(1..10_000_000_000_u64);
        let event = json!({"id": format!("04l5g{number:010}AAA"), "type": kind, "object": ids::of(kind, id)});
        ledger.tell(carrier, vec![event]);
    }
}

//! Salesforce: contacts or leads, opportunities and tasks. Everything that is peculiar to it lives in this folder.

use std::time::Duration;

use domain::kind::RecordKind;
use domain::mapping::Mapping;

use crate::connector::{Connector, Parts};
use crate::descriptor::{AuthScheme, Category, Descriptor, Limits, OptionChoice, OptionField, Words};

mod api;
mod changes;
mod collection;
mod errors;
mod fields;
mod find;
mod ids;
mod mapping;
mod oauth;
mod probe;
mod proxy;
mod read;
mod setup;
mod soql;
mod subscriptions;
mod ties;
mod webhooks;
mod wire;
mod write;

/// The custom field, an external id and unique, in which every object of ours carries its record id.
const KEY: &str = "Coccinelle_Id__c";

/// Where opportunities and tasks carry it instead, behind what people wrote, in an organisation without that field.
const NOTE: &str = "Description";

/// The tenant's choice of what people are kept as, and the answer that is not the usual one.
const PEOPLE: &str = "people";
const LEADS: &str = "lead";

/// The type of those.
const LEAD: &str = "Lead";

const OPTIONS: &[OptionField] = &[OptionField {
    name: PEOPLE,
    label: Words::new("Vos prospects deviennent", "Your prospects become"),
    choices: &[
        OptionChoice {
            value: "contact",
            label: Words::new("Des contacts", "Contacts"),
            help: Words::new("Rendez-vous et appels y sont rattachés.", "Appointments and calls are tied to them."),
        },
        OptionChoice {
            value: LEADS,
            label: Words::new("Des pistes (leads)", "Leads"),
            help: Words::new(
                "Les appels y sont rattachés ; une opportunité attend que vous convertissiez la piste.",
                "Calls are tied to them; an opportunity waits until you convert the lead.",
            ),
        },
    ],
    // A contact is no lead: what was written as one would not be found as the other.
    fixed_by: Some(RecordKind::Contact),
}];

/// How many rows one collection request may carry.
const BATCH: usize = 200;

const DESCRIPTOR: Descriptor = Descriptor {
    slug: "salesforce",
    name: "Salesforce",
    category: Category::Crm,
    auth: &[AuthScheme::OAuth2(oauth::TERMS)],
    needs_url: false,
    kinds: &[RecordKind::Contact, RecordKind::Deal, RecordKind::Activity],
    // 100,000 requests a day are the least that a paying organisation has; spread over the day with room for bursts.
    limits: Limits { requests: 60, per: Duration::from_secs(60), batch: BATCH },
    docs_url: "https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/",
    // What SOQL finds is what was written; an organisation without our field is searched by address, or by the newest texts.
    lookup_lag: Duration::from_secs(1),
};

const PARTS: Parts = Parts {
    webhooks: &Salesforce,
    probe: &Salesforce,
    reader: Some(&Salesforce),
    writer: Some(&Salesforce),
    changes: Some(&Salesforce),
    discovery: Some(&Salesforce),
    oauth: Some(&Salesforce),
    subscriptions: Some(&Salesforce),
    proxy: Some(&Salesforce),
};

/// The connector.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Salesforce;

impl Connector for Salesforce {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn default_mapping(&self, kind: RecordKind) -> Mapping {
        mapping::default_of(kind)
    }

    fn parts(&self) -> &'static Parts {
        &PARTS
    }

    fn options(&self) -> &'static [OptionField] {
        OPTIONS
    }
}

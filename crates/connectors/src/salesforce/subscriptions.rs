//! Salesforce's subscriptions: for each type of objects an outbound message, and a flow that sends it whenever one is made or changed.
//! Both are part of the organisation's setup, and ours are told from its own by their names.

use async_trait::async_trait;
use domain::kind::RecordKind;
use domain::time::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use url::Url;

use super::setup::{self, FLOW, MESSAGE};
use super::webhooks::TOKEN;
use super::{DESCRIPTOR, Salesforce, api};
use crate::account::Account;
use crate::descriptor::Words;
use crate::error::ConnectorError;
use crate::subscriptions::{New, Subscription, Subscriptions, Target};

/// What ours are called.
const PREFIX: &str = "Coccinelle_";

/// How long a moment is in a name, from the year to the microsecond.
const DIGITS: usize = 20;

/// What stands where a secret was.
const HIDDEN: &str = "•••";

/// The one step of a flow.
const STEP: &str = "Send_Outbound_Message";

/// As the kinds that are kept in step are called; which type of objects that is, is the tenant's choice. That tasks have outbound
/// messages is from memory: where an organisation takes none for a type, those of the types before it stand.
const TOPICS: &[&str] = &["contact", "deal", "activity"];

#[async_trait]
impl Subscriptions for Salesforce {
    fn topics(&self) -> &'static [&'static str] {
        TOPICS
    }

    async fn list(&self, account: &Account) -> Result<Vec<Subscription>, ConnectorError> {
        let mut messages = setup::messages(account, PREFIX).await?;
        messages.retain(|message| is_ours(&message.name));
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let flows = setup::active_flows(account, PREFIX).await?;
        let subscription = |message: setup::Message| Subscription {
            id: message.id,
            topic: topic_of(account, &message.object).unwrap_or_default().to_owned(),
            url: without_token(&message.endpoint),
            // Without its flow, nothing sends it.
            is_active: flows.contains(&message.name),
        };
        Ok(messages.into_iter().map(subscription).collect())
    }

    async fn subscribe(&self, account: &Account, topic: &'static str, target: &Target) -> Result<New, ConnectorError> {
        let id = make(account, topic, target).await.map_err(|error| without_secret(error, target))?;
        Ok(New { id: Some(id), secret: None })
    }

    async fn unsubscribe(&self, account: &Account, id: &str) -> Result<(), ConnectorError> {
        setup::take_away(account, id).await
    }

    async fn sweep(&self, account: &Account) -> Result<usize, ConnectorError> {
        let mut orphans = setup::orphans(account, PREFIX).await?;
        orphans.retain(|name| is_ours(name));
        for name in &orphans {
            setup::take_flow_away(account, name).await?;
        }
        Ok(orphans.len())
    }

    fn by_hand(&self) -> Option<Words> {
        Some(Words::new(
            "Dans la configuration de Salesforce, pour Contact (ou Lead), Opportunity et Task : sous « Messages sortants », \
             créez un message avec le champ Id, sans identifiant de session, vers l'adresse ci-dessus suivie de ?token= et \
             du secret de signature (créez-en un nouveau ci-dessous : il s'affiche une fois). Puis, sous « Flux », un flux \
             déclenché par un enregistrement, à la création et à la mise à jour, après l'enregistrement, qui envoie ce message, \
             et activez-le.",
            "In Salesforce's Setup, for Contact (or Lead), Opportunity and Task: under “Outbound Messages”, make a message with \
             the field Id, without session id, to the address above followed by ?token= and the signing secret (make a new \
             one below: it is shown once). Then, under “Flows”, make a record-triggered flow, on create and update, after the \
             record is saved, that sends this message, and activate it.",
        ))
    }
}

/// The type of objects of a topic.
fn object_of(account: &Account, topic: &str) -> Result<&'static str, ConnectorError> {
    let kind = DESCRIPTOR.kinds.iter().find(|kind| kind.as_str() == topic);
    api::object_type(account, kind.copied().unwrap_or(RecordKind::Contact))
}

/// The topic whose type this is for the tenant; one that chose otherwise since has none.
fn topic_of(account: &Account, object: &str) -> Option<&'static str> {
    TOPICS.iter().copied().find(|topic| object_of(account, topic).is_ok_and(|own| own == object))
}

/// Makes a pair; the message's id. What cannot be whole is not left behind by halves.
async fn make(account: &Account, topic: &str, target: &Target) -> Result<String, ConnectorError> {
    let object = object_of(account, topic)?;
    // No other has it: what is replaced stands until the new one does.
    let name = name_of(object, Timestamp::now());
    let full_name = format!("{object}.{name}");
    let message = message(&name, &setup::user(account).await?, &endpoint(target));
    let id = setup::create(account, MESSAGE, (full_name.as_str(), message)).await?;
    let sent = async {
        let version = setup::create(account, FLOW, (name.as_str(), flow(object, &name, &full_name))).await?;
        setup::switch_on(account, &version).await
    };
    match sent.await {
        Ok(()) => Ok(id),
        Err(error) => {
            if let Err(kept) = setup::take_away(account, &id).await {
                tracing::warn!(error.code = kept.code, "half a subscription is left behind until the next check");
            }
            Err(error)
        }
    }
}

/// As the metadata of the type `WorkflowOutboundMessage` is retrieved: all but `useDeadLetterQueue` are required there.
fn message(name: &str, user: &str, endpoint: &Url) -> Value {
    json!({
        "name": name,
        "apiVersion": api::VERSION,
        "endpointUrl": endpoint.as_str(),
        // What is told is a reason to look: whatever else it held would only travel.
        "fields": ["Id"],
        "includeSessionId": false,
        "integrationUser": user,
        "protected": false,
        "useDeadLetterQueue": false,
    })
}

/// As the metadata of a flow is retrieved that was made in Flow Builder; where its parts stand there is required and says nothing.
/// In the transaction of the change, so that one that is rolled back is not told of.
fn flow(object: &str, name: &str, message: &str) -> Value {
    json!({
        "label": name,
        "interviewLabel": format!("{name} {{!$Flow.CurrentDateTime}}"),
        "description": "Coccinelle: tells of every change. Made and removed with the connection.",
        "apiVersion": api::VERSION,
        "environments": ["Default"],
        "processType": "AutoLaunchedFlow",
        "status": "Draft",
        "start": {
            "locationX": 50,
            "locationY": 0,
            "object": object,
            "recordTriggerType": "CreateAndUpdate",
            "triggerType": "RecordAfterSave",
            "connector": {"targetReference": STEP},
        },
        "actionCalls": [{
            "name": STEP,
            "label": "Send Outbound Message",
            "locationX": 176,
            "locationY": 287,
            "actionName": message,
            "actionType": "outboundMessage",
            "flowTransactionModel": "CurrentTransaction",
            "nameSegment": message,
        }],
    })
}

/// The target with the secret that lets a message in.
fn endpoint(target: &Target) -> Url {
    let mut url = target.url.clone();
    if let Some(secret) = &target.secret {
        url.query_pairs_mut().append_pair(TOKEN, secret.expose_secret());
    }
    url
}

/// An address as targets are compared: no secret leaves here.
fn without_token(endpoint: &str) -> String {
    endpoint.split('?').next().unwrap_or_default().to_owned()
}

/// Salesforce repeats in a refusal what it was sent, and the secret is in the address: as it was sent or decoded, and cut where the
/// words are too long to be kept whole.
fn without_secret(error: ConnectorError, target: &Target) -> ConnectorError {
    let name = format!("{TOKEN}=");
    let is_end = |c: char| c.is_whitespace() || c == '"' || c == '\'';
    let mut parts = error.message.split(name.as_str());
    let beginning = parts.next().unwrap_or_default().to_owned();
    let hidden = parts.fold(beginning, |told, rest| {
        let (_secret, rest) = rest.split_at(rest.find(is_end).unwrap_or(rest.len()));
        format!("{told}{name}{HIDDEN}{rest}")
    });
    let message = match &target.secret {
        Some(secret) => hidden.replace(secret.expose_secret(), HIDDEN),
        None => hidden,
    };
    ConnectorError { message, body: None, ..error }
}

/// What we call what tells of a type of objects and was made then.
fn name_of(object: &str, made: Timestamp) -> String {
    format!("{PREFIX}{object}_{}", digits(made))
}

/// Whether something is called as we call what we make: an administrator may have named something of his own after us.
fn is_ours(name: &str) -> bool {
    let made = name.strip_prefix(PREFIX).and_then(|rest| rest.rsplit_once('_')).map(|(_, made)| made);
    made.is_some_and(|made| made.len() == DIGITS && made.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A moment as a name may hold it.
fn digits(at: Timestamp) -> String {
    at.to_string().chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        let url = "https://hooks.example.com/webhooks/integrations/salesforce/int_1".parse().unwrap();
        Target { url, secret: Some("a/b+c=".to_owned().into()) }
    }

    #[test]
    fn the_secret_goes_along_in_the_address_and_no_further() {
        let endpoint = endpoint(&target());
        assert_eq!(endpoint.query(), Some("token=a%2Fb%2Bc%3D"));
        assert_eq!(without_token(endpoint.as_str()), target().url.as_str());
        let decoded = format!("{}?token=a/b+c=", target().url);
        let told = |message: String| {
            let error = ConnectorError::new(domain::fault::FaultKind::Invalid, "JSON_PARSER_ERROR", message);
            without_secret(error, &target()).message
        };
        for address in [endpoint.as_str(), decoded.as_str(), endpoint.as_str().trim_end_matches("%2Bc%3D")] {
            let expected = format!("a complexvalue \"{}?token=•••\" is none", target().url);
            assert_eq!(told(format!("a complexvalue \"{address}\" is none")), expected);
            let cut = told(format!("from VALUE_STRING value {address}"));
            assert!(cut.ends_with("?token=•••"), "{cut}");
        }
        assert_eq!(told("the value a/b+c= is too long".to_owned()), "the value ••• is too long");
    }

    #[test]
    fn every_kind_has_its_topic_and_the_version_is_said_alike() {
        let kinds: Vec<&str> = DESCRIPTOR.kinds.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(kinds, TOPICS);
        assert!(api::DATA.ends_with(&format!("/v{}.0", api::VERSION)));
    }

    #[test]
    fn a_name_is_one_that_salesforce_takes() {
        let name = name_of("Opportunity", Timestamp::parse("2026-11-28T19:07:54.123456Z").unwrap());
        assert_eq!(name, "Coccinelle_Opportunity_20261128190754123456");
        assert!(name.len() <= 80 && !name.contains("__") && is_ours(&name));
        assert!(is_ours(&name_of("Contact", Timestamp::parse("2026-11-28T19:07:54Z").unwrap())));
        for theirs in [
            "Coccinelle_Contact",
            "Coccinelle_Contact_1",
            "Coccinelle_20261128190754123456",
            "Contact_20261128190754123456",
        ] {
            assert!(!is_ours(theirs), "{theirs}");
        }
    }
}

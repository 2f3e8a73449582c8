//! Salesforce's outbound messages. Nothing signs them: the address of the integration is a secret of its own, the organisation
//! must be named as we know it, and whatever is said is confirmed by reading the object again.

use std::borrow::Cow;

use domain::fault::FaultKind;
use domain::kind::RecordKind;
use secrecy::{ExposeSecret, SecretString};

use super::{Salesforce, ids};
use crate::error::ConnectorError;
use crate::signature;
use crate::webhook::{Receipt, Rejection, RemoteChange, SecretSource, WebhookFormat, WebhookRequest};

/// What one message holds at most.
const MOST: usize = 100;

/// Under which name an address holds the secret.
pub(crate) const TOKEN: &str = "token";

const FORM: &str = "http://soap.sforce.com/2005/09/outbound";

/// The element that holds a key to the organisation.
const SESSION: &str = "SessionId";
const NO_SESSION: &str = "<SessionId/>";

const ACK: &str = concat!(
    r#"<?xml version="1.0" encoding="UTF-8"?>"#,
    r#"<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>"#,
    r#"<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>"#,
    "</soapenv:Body></soapenv:Envelope>",
);

impl WebhookFormat for Salesforce {
    fn secret(&self) -> SecretSource {
        SecretSource::Integration
    }

    /// The secret is in the query of the address that Salesforce was given.
    fn verify(&self, request: &WebhookRequest<'_>, secret: &SecretString) -> Result<(), Rejection> {
        if secret.expose_secret().is_empty() {
            return Err(Rejection::NoSecret);
        }
        let query = request.public_uri.split_once('?').map(|(_, query)| query).unwrap_or_default();
        let shown = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == TOKEN);
        let (_, shown) = shown.ok_or(Rejection::Unsigned)?;
        let is_it = signature::is_same(shown.as_bytes(), secret.expose_secret().as_bytes());
        if is_it { Ok(()) } else { Err(Rejection::WrongSignature) }
    }

    fn kept_headers(&self) -> &'static [&'static str] {
        &[]
    }

    fn is_readable(&self, _headers: &[(String, String)], body: &str) -> bool {
        // Of what is cut off, nobody would hear.
        let kept = self.kept_body(body);
        let kept = notifications(&kept).map_or(0, |kept| kept.len());
        notifications(body).is_ok_and(|read| read.len() == kept)
    }

    /// Whoever ticks “Send Session ID” sends a key to the organisation along, for which nobody has asked.
    fn kept_body<'a>(&self, body: &'a str) -> Cow<'a, str> {
        if body.contains(SESSION) { Cow::Owned(without_session(body)) } else { Cow::Borrowed(body) }
    }

    /// One acknowledges all that the message holds; without it, Salesforce sends the message again for a day.
    fn receipt(&self) -> Option<Receipt> {
        Some(Receipt { content_type: "text/xml; charset=utf-8", body: ACK })
    }

    /// The ids of its notifications: a message that is sent again holds the same.
    fn delivery_id(&self, _headers: &[(String, String)], body: &[u8]) -> Option<String> {
        let text = std::str::from_utf8(body).ok()?;
        let ids: Vec<&str> = notifications(text).ok()?.iter().map(|notification| notification.id).collect();
        (!ids.is_empty()).then(|| ids.join(","))
    }

    fn parse(&self, _headers: &[(String, String)], body: &str) -> Result<Vec<RemoteChange>, ConnectorError> {
        let organisation = element(body, "OrganizationId").and_then(ids::whole).ok_or_else(unreadable)?;
        let change = |notification: Notification<'_>| {
            Some(RemoteChange {
                account_id: Some(organisation.clone()),
                kind: kind_of(notification.object_type)?,
                external_id: notification.object_id,
                occurred_at: None,
                // Salesforce tells of no deletion this way.
                deleted: false,
                merged_into: None,
            })
        };
        Ok(notifications(body)?.into_iter().filter_map(change).collect())
    }
}

/// The body with nothing in its elements `SessionId`. What stands right behind one is left out with it, and all that follows one that
/// does not end.
fn without_session(body: &str) -> String {
    let mut parts = body.split('<');
    let (mut kept, mut is_inside) = (parts.next().unwrap_or_default().to_owned(), false);
    for part in parts {
        let end = part.strip_prefix('/');
        let name = end.unwrap_or(part).split([' ', '\t', '\r', '\n', '/', '>']).next().unwrap_or_default();
        let is_it = name.rsplit(':').next() == Some(SESSION);
        if is_it && end.is_some() {
            is_inside = false;
        } else if is_it && !is_empty(part) {
            kept.push_str(NO_SESSION);
            is_inside = true;
        } else if !is_inside {
            kept.extend(["<", part]);
        }
    }
    kept
}

/// Whether a tag ends its element, whose attributes may have any character in quotes.
fn is_empty(tag: &str) -> bool {
    let (mut quote, mut before) = (None, ' ');
    for letter in tag.chars() {
        match (quote, letter) {
            (None, '>') => return before == '/',
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (None | Some(_), _) => {}
        }
        before = letter;
    }
    false
}

/// One of a message's notifications.
struct Notification<'a> {
    id: &'a str,
    object_type: &'a str,
    object_id: String,
}

fn kind_of(object_type: &str) -> Option<RecordKind> {
    match object_type {
        "Contact" | "Lead" => Some(RecordKind::Contact),
        "Opportunity" => Some(RecordKind::Deal),
        "Task" => Some(RecordKind::Activity),
        _ => None,
    }
}

/// Read without any XML machinery: the form is fixed, and what declares a document type or an entity is refused unread.
fn notifications(body: &str) -> Result<Vec<Notification<'_>>, ConnectorError> {
    if body.contains("<!DOCTYPE") || body.contains("<!ENTITY") || !body.contains(FORM) {
        return Err(unreadable());
    }
    let parts = body.split("<Notification>").skip(1).take(MOST);
    parts.map(|part| notification(part).ok_or_else(unreadable)).collect()
}

fn notification(part: &str) -> Option<Notification<'_>> {
    let part = part.split_once("</Notification>")?.0;
    let id = element(part, "Id")?;
    let (_, object) = part.split_once("<sObject")?;
    let (attributes, inside) = object.split_once('>')?;
    let (_, object_type) = attributes.split_once("xsi:type=\"")?;
    let object_type = object_type.split('"').next()?.rsplit(':').next()?;
    let object_id = ids::whole(element(inside, "sf:Id")?)?;
    ids::whole(id).map(|_| Notification { id, object_type, object_id })
}

/// The text of the first element of that name.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let (_, rest) = text.split_once(&open)?;
    Some(rest.split_once(&close)?.0.trim())
}

fn unreadable() -> ConnectorError {
    ConnectorError::new(FaultKind::Invalid, "unreadable", "the body is no outbound message of Salesforce")
}

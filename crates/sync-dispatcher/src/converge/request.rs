//! What a workflow is sent: the documented body, and beside it all that it needs to do the write through us.

use accounts::Use;
use connectors::connector::Connector;
use domain::field::FieldName;
use domain::id::LinkId;
use domain::record::Record;
use domain::time::Timestamp;
use domain::workflow::{Errand, Pass};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::errands::fields_of;
use super::plan::Write;
use super::session::Session;
use crate::engine::DispatchError;

/// The body of one write.
pub(super) fn body(
    session: &Session<'_>,
    record: &Record,
    (link_id, errand): (LinkId, &Errand),
    write: &Write,
) -> Result<Value, DispatchError> {
    let (engine, integration) = (session.engine, &session.integration);
    let expires_at = Timestamp::now().plus(engine.n8n.settings.errand_life);
    let pass = Pass {
        tenant_id: integration.tenant_id,
        integration_id: integration.id,
        link_id,
        record_id: record.id,
        event_id: errand.event_id,
        action: errand.action,
        expires_at,
    };
    let (callback, proxy) = (engine.accounts.issue(Use::Callback, &pass)?, engine.accounts.issue(Use::Proxy, &pass)?);
    let base = engine.n8n.settings.callback_base_url.as_str().trim_end_matches('/');
    let id = integration.id;
    let (external_id, contact) = match write {
        Write::Create(create) => (None, create.contact.as_deref()),
        Write::Update(update) => (Some(update.external_id.as_str()), None),
        Write::Delete(external_id) => (Some(external_id.as_str()), None),
    };
    Ok(json!({
        "version": 1,
        "action": errand.action,
        "data": data(record),
        "remote": remote(session.connector, record, write),
        "external_id": external_id,
        "contact_external_id": contact,
        "platform": integration.platform,
        "event_id": errand.event_id,
        "integration_id": id,
        "callback_url": format!("{base}/api/v1/integrations/{id}/sync-callback?token={}", callback.expose_secret()),
        "proxy_url": format!("{base}/api/v1/proxy/{id}"),
        "proxy_token": proxy.expose_secret(),
        "expires_at": expires_at,
    }))
}

/// The record in Coccinelle's own terms.
fn data(record: &Record) -> Value {
    let is_content = |name: &FieldName| ![FieldName::DELETED, FieldName::CONTACT].contains(&name.as_str());
    let fields = record.fields.iter().filter(|(name, _)| is_content(name));
    let values =
        fields.filter_map(|(name, stamped)| Some((name.to_string(), serde_json::to_value(&stamped.value).ok()?)));
    Value::Object(values.collect::<Map<_, _>>())
}

/// What is to be written, as the platform's API takes it.
fn remote(connector: &dyn Connector, record: &Record, write: &Write) -> Value {
    let Some(fields) = fields_of(write) else { return json!({}) };
    match connector.proxy() {
        Some(proxy) => proxy.remote(record.kind, fields, matches!(write, Write::Create(_))),
        None => json!(fields),
    }
}

//! What a workflow is sent: the documented body, and beside it all that it needs to do the write through us.

use accounts::{AccountError, Use};
use connectors::error::ConnectorError;
use connectors::proxy::{Forward, Intended};
use domain::field::FieldName;
use domain::id::LinkId;
use domain::record::Record;
use domain::workflow::{Errand, Pass};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::errands::{external_id_of, fields_of};
use super::plan::Write;
use super::session::Session;
use crate::engine::DispatchError;

/// The body of one write.
pub(super) async fn body(
    session: &Session<'_>,
    record: &Record,
    (link_id, errand): (LinkId, &Errand),
    write: &Write,
) -> Result<Value, Unsaid> {
    let (engine, integration) = (session.engine, &session.integration);
    // However long it waited for its call, what it begins in its last moment has ended when the errand does.
    let expires_at = errand.until.minus(engine.settings.platform_timeout);
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
    let base = engine.n8n.gateway_for(&session.workflow).as_str().trim_end_matches('/');
    let id = integration.id;
    let contact = match write {
        Write::Create(create) => create.contact.as_deref(),
        Write::Update(_) | Write::Delete(_) => None,
    };
    let request = request(session, record, write).await?;
    Ok(json!({
        "version": 1,
        "action": errand.action,
        "data": data(record),
        "remote": remote(session, write, request.as_ref()),
        "request": request,
        "external_id": external_id_of(write),
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

/// The one call that makes the write; `None` for a platform that workflows cannot call through us.
async fn request(session: &Session<'_>, record: &Record, write: &Write) -> Result<Option<Forward>, ConnectorError> {
    let Some(proxy) = session.connector.proxy() else { return Ok(None) };
    let account = session.account.as_ref().map_err(Clone::clone)?;
    let intended = match write {
        Write::Create(create) => Intended::Create(create),
        Write::Update(update) => Intended::Update(update),
        Write::Delete(external_id) => Intended::Delete(external_id),
    };
    session.ask(proxy.request(account, record.kind, intended)).await.map(Some)
}

/// What is to be written, as the platform's API takes it.
fn remote(session: &Session<'_>, write: &Write, request: Option<&Forward>) -> Value {
    let Some(fields) = fields_of(write) else { return json!({}) };
    match (session.connector.proxy(), request.and_then(|request| request.body.as_ref())) {
        (Some(proxy), Some(body)) => proxy.remote(body),
        _ => json!(fields),
    }
}

/// Why a write cannot be put into a workflow's hands.
#[derive(Debug)]
pub(super) enum Unsaid {
    /// No pass could be issued for it.
    NoPass(DispatchError),
    /// The platform did not say what it takes.
    Platform(ConnectorError),
}

impl From<AccountError> for Unsaid {
    fn from(error: AccountError) -> Self {
        Self::NoPass(error.into())
    }
}

impl From<ConnectorError> for Unsaid {
    fn from(error: ConnectorError) -> Self {
        Self::Platform(error)
    }
}

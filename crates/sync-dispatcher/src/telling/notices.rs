//! What is to be said of a record to the backend, and what it holds once it has taken that. Sending it is the parent's.

use std::collections::BTreeSet;

use domain::field::{FieldName, FieldValue, RemoteFields};
use domain::id::{RecordId, TenantId};
use domain::kind::RecordKind;
use domain::notice::{Changed, Linked, News, Notice, Subject};
use domain::record::Record;
use domain::time::Timestamp;
use persistence::Transaction;
use persistence::records::links::{self, Untold};
use persistence::records::{identities, store};

use crate::engine::DispatchError;

/// What the backend does not know of a record, in the order in which it is to be told: first what it is, then where.
pub(super) async fn news(tx: &mut Transaction, tenant: TenantId, untold: &Untold) -> Result<Vec<News>, DispatchError> {
    let Some(record) = store::get(tx, tenant, untold.record).await? else { return Ok(Vec::new()) };
    let contact = record.fields.contact();
    let subjects =
        identities::subjects_of(tx, tenant, &[Some(record.id), contact].into_iter().flatten().collect()).await?;
    let subject = |record_id: RecordId, kind: RecordKind| Subject {
        tenant_id: tenant,
        record_id,
        kind,
        subject_ids: subjects.get(&record_id).cloned().unwrap_or_default(),
    };
    let mut news = Vec::new();
    let changed = untold.state.untold(&record.fields);
    if !changed.is_empty() {
        let contact = contact.map(|contact| subject(contact, RecordKind::Contact));
        news.push(News::RecordChanged(change(&record, subject(record.id, record.kind), contact, changed)));
    }
    for (integration_id, counterpart) in links::counterparts(tx, tenant, record.id).await? {
        if counterpart.external_id.as_ref() != untold.told.get(&integration_id) {
            news.push(News::RecordLinked(Linked {
                subject: subject(record.id, record.kind),
                integration_id,
                platform: counterpart.platform,
                external_id: counterpart.external_id,
            }));
        }
    }
    Ok(news)
}

fn change(record: &Record, subject: Subject, contact: Option<Subject>, changed: BTreeSet<FieldName>) -> Changed {
    let is_content = |name: &FieldName| ![FieldName::DELETED, FieldName::CONTACT].contains(&name.as_str());
    let fields = record.fields.iter().filter(|(name, _)| is_content(name));
    Changed {
        subject,
        version: record.version,
        deleted: record.fields.is_deleted(),
        fields: fields.map(|(name, stamped)| (name.clone(), stamped.value.clone())).collect(),
        changed,
        contact,
    }
}

/// The id and the body of one webhook. The id is the same whenever the same is told on the same occasion.
pub(super) fn body(occasion: &str, news: &News) -> (String, String) {
    let content = serde_json::to_string(news).unwrap_or_default();
    let id = connectors::backend::id_of(occasion, &content);
    let notice = Notice { timestamp: Timestamp::now(), news: news.clone() };
    (id, serde_json::to_string(&notice).unwrap_or(content))
}

/// Remembers what the backend has taken.
pub(super) fn keep(untold: &mut Untold, taken: Vec<News>, at: Timestamp) {
    for news in taken {
        match news {
            News::RecordChanged(changed) => untold.state.tell(held(&changed), at),
            News::RecordLinked(Linked { integration_id, external_id: Some(id), .. }) => {
                untold.told.insert(integration_id, id);
            }
            News::RecordLinked(Linked { integration_id, external_id: None, .. }) => {
                untold.told.remove(&integration_id);
            }
            News::StatusChanged(_) => {}
        }
    }
}

/// What the backend holds that was told of a change.
fn held(changed: &Changed) -> RemoteFields {
    let value = |name: &FieldName| match name.as_str() {
        FieldName::DELETED => FieldValue::Bool(changed.deleted),
        FieldName::CONTACT => {
            changed.contact.as_ref().map_or(FieldValue::Null, |contact| FieldValue::text(contact.record_id.to_string()))
        }
        _ => changed.fields.get(name).cloned().unwrap_or_default(),
    };
    changed.changed.iter().map(|name| (name.as_str().to_owned(), value(name))).collect()
}

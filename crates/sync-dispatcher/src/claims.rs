//! Claiming for records what their content identifies them by. An identifier that is somebody else's stays there.

use std::collections::BTreeMap;

use domain::id::{RecordId, TenantId};
use domain::identity::{self, Region};
use domain::record::Record;
use persistence::records::conflicts::Conflict;
use persistence::records::identities::{self, IdentityKey};
use persistence::{PersistenceError, Transaction};

/// Claims the identifiers of these records; returns a conflict for each that is another record's.
pub(crate) async fn claim(
    tx: &mut Transaction,
    tenant: TenantId,
    region: Region,
    records: &[Record],
) -> Result<Vec<Conflict>, PersistenceError> {
    let (mut claims, mut conflicts) = (BTreeMap::<IdentityKey, RecordId>::new(), Vec::new());
    for record in records {
        for identity in identity::of_content(record.kind, &record.fields, region) {
            let key = IdentityKey { kind: record.kind, identity: identity.clone() };
            match claims.entry(key).or_insert(record.id) {
                holder if *holder == record.id => {}
                holder => conflicts.push(Conflict::Identity { record: record.id, identity, holder: *holder }),
            }
        }
    }
    for (key, holder) in identities::claim(tx, tenant, &claims).await? {
        if let Some(record) = claims.get(&key).filter(|record| **record != holder) {
            conflicts.push(Conflict::Identity { record: *record, identity: key.identity, holder });
        }
    }
    Ok(conflicts)
}

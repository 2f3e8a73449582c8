//! Mappings that tenants write, and the values that go through them both ways.

use std::collections::BTreeMap;
use std::hint::black_box;

use domain::field::{FieldName, FieldValue, RemoteFields};
use domain::id::IntegrationId;
use domain::integration::Direction;
use domain::kind::RecordKind;
use domain::mapping::{FieldMapping, Mapping, check};
use domain::record::{Fields, Stamp};
use domain::time::Timestamp;
use serde::Deserialize;

/// A mapping, what we hold, and what the platform shows.
#[derive(Deserialize)]
struct Trial {
    kind: RecordKind,
    fields: Vec<FieldMapping>,
    #[serde(default)]
    ours: BTreeMap<FieldName, FieldValue>,
    #[serde(default)]
    shown: RemoteFields,
}

pub(crate) fn run(data: &[u8]) {
    let Ok(Trial { kind, fields, ours, shown }) = serde_json::from_slice(data) else { return };
    // What has faults is never applied.
    if !check(kind, &fields, "mapping").is_empty() {
        return;
    }
    let ours = stamped(ours);
    let mapping = Mapping::proposed(fields);
    for direction in [Direction::Bidirectional, Direction::FromPlatform, Direction::ToPlatform] {
        let mapping = mapping.within(direction);
        black_box((mapping.forward(&ours), mapping.forward_new(&ours)));
        black_box((mapping.identifiers(&ours), mapping.remote_names()));
    }
    for field in &mapping.fields {
        if let Some(value) = shown.get(&field.remote) {
            black_box(field.inverse(value, mapping.region));
        }
    }
}

fn stamped(values: BTreeMap<FieldName, FieldValue>) -> Fields {
    let stamp = Stamp { rank: 0, at: Timestamp::now(), origin: IntegrationId::new() };
    let mut fields = Fields::default();
    for (name, value) in values {
        fields.set(name, value, stamp);
    }
    fields
}

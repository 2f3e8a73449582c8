//! Values that somebody gives records in place of their own: read as fields of a kind hold them, and put where those are.

use std::collections::BTreeMap;

use domain::field::FieldName;
use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::record::{Fields, Stamp};
use domain::schema;
use domain::time::Timestamp;
use persistence::records::edits::Values;
use serde_json::Value;

use crate::refusal::Refusal;

/// The fields of a record with these values in place of its own.
pub(super) fn edited(integration: &Integration, fields: &Fields, values: Values) -> Fields {
    let stamp = Stamp { rank: 0, at: Timestamp::now(), origin: integration.id };
    let mut edited = fields.clone();
    for (name, value) in values {
        edited.set(name, value, stamp);
    }
    edited
}

/// Values as fields of a kind hold them.
pub(crate) fn valued(kind: RecordKind, values: &BTreeMap<FieldName, Value>) -> Result<Values, Refusal> {
    let valued = values.iter().map(|(name, value)| -> Result<_, Refusal> {
        let fault = |message: String| Refusal::at(&format!("values.{name}"), message);
        let unknown = || fault(format!("is not a field of the kind {kind}, which is among the failures"));
        let spec = schema::find(kind, name.as_str()).ok_or_else(unknown)?;
        Ok((name.clone(), spec.read(value).map_err(fault)?))
    });
    valued.collect()
}

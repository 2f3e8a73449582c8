//! A mapping that somebody proposes, and everything that can be wrong with it.

use connectors::discovery::{RemoteField, RemoteFieldType};
use domain::event::InputFault;
use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::mapping::{self, FieldMapping, Transform};

use super::descriptions::Described;
use crate::integrations::platform_of;
use crate::refusal::Refusal;
use crate::state::Gateway;

/// The path of what is proposed in a request's body.
const PATH: &str = "fields";

/// Refuses a mapping that breaks a rule of ours, or that the account's own fields do not allow, where the platform says.
///
/// What stays as it was is not held against the platform: it may know fields that it does not describe.
pub(super) async fn check(
    gateway: &Gateway,
    integration: &Integration,
    kind: RecordKind,
    (present, draft): (&[FieldMapping], &[FieldMapping]),
) -> Result<(), runtime::http::Problem> {
    let faults = mapping::check(kind, draft, PATH);
    if !faults.is_empty() {
        return Err(Refusal::Faulty(faults).into());
    }
    let defaults = platform_of(&integration.platform)?.connector().default_mapping(kind).fields;
    let is_new = |field: &FieldMapping| !present.contains(field) && !defaults.contains(field);
    if !draft.iter().any(is_new) {
        return Ok(());
    }
    let described = match gateway.descriptions.of(gateway, integration, kind, false).await {
        Ok(described) => described,
        Err(problem) => {
            tracing::info!(integration.id = %integration.id, %problem, "a mapping is not held against the account's fields");
            None
        }
    };
    let Some(described) = described else { return Ok(()) };
    let new = draft.iter().enumerate().filter(|(_, field)| is_new(field));
    let faults: Vec<InputFault> = new.filter_map(|(at, field)| against(&described, at, field)).collect();
    if faults.is_empty() { Ok(()) } else { Err(Refusal::Faulty(faults).into()) }
}

fn against(described: &Described, at: usize, field: &FieldMapping) -> Option<InputFault> {
    let fault = |member: &str, message: String| Some(InputFault { path: format!("{PATH}[{at}].{member}"), message });
    let Some(remote) = described.fields.iter().find(|remote| remote.name == field.remote) else {
        return fault("remote", "is not a field that the account has; see GET …/fields".to_owned());
    };
    if field.direction.writes() && remote.read_only {
        return fault("direction", "must be `from_platform`: only the platform writes this field".to_owned());
    }
    let unknown = unknown_word(field, remote)?;
    fault("transform.values", format!("must translate to words of the field, of which `{unknown}` is none"))
}

/// A word that would be sent, and that the choice does not know.
fn unknown_word<'a>(field: &'a FieldMapping, remote: &RemoteField) -> Option<&'a str> {
    let Transform::ValueMap { values } = &field.transform else { return None };
    let is_closed = remote.field_type == RemoteFieldType::Choice && !remote.options.is_empty();
    let knows = |word: &str| remote.options.iter().any(|option| option.value == word);
    values.values().map(String::as_str).find(|word| is_closed && field.direction.writes() && !knows(word))
}

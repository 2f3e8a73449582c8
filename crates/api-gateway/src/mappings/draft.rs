//! A mapping that somebody proposes, and everything that can be wrong with it.

use connectors::discovery::{RemoteField, RemoteFieldType, RemoteOption};
use domain::event::InputFault;
use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::mapping::{self, FieldMapping, Transform};
use domain::schema::{self, FieldType};

use super::descriptions::Described;
use crate::integrations::{Patience, platform_of};
use crate::refusal::Refusal;
use crate::state::Gateway;

/// The path of what is proposed in a request's body.
const PATH: &str = "fields";

/// Refuses a mapping that breaks a rule of ours, or that the account's own fields do not allow, where the platform says.
///
/// What stays as it was is not held against the platform: it may know fields that it does not describe.
pub(super) async fn check(
    (gateway, patience): (&Gateway, Patience),
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
    let described = match gateway.descriptions.of((gateway, patience), integration, kind, false).await {
        Ok(described) => described,
        Err(problem) => {
            tracing::info!(integration.id = %integration.id, error = %problem, "a mapping is not held against the account's fields");
            None
        }
    };
    let Some(described) = described else { return Ok(()) };
    let new = draft.iter().enumerate().filter(|(_, field)| is_new(field));
    let faults: Vec<InputFault> = new.filter_map(|(at, field)| against(&described, kind, at, field)).collect();
    if faults.is_empty() { Ok(()) } else { Err(Refusal::Faulty(faults).into()) }
}

fn against(described: &Described, kind: RecordKind, at: usize, field: &FieldMapping) -> Option<InputFault> {
    let fault = |member: &str, message: String| Some(InputFault { path: format!("{PATH}[{at}].{member}"), message });
    let Some(remote) = described.fields.iter().find(|remote| remote.name == field.remote) else {
        return fault("remote", "is not a field that the account has; see GET …/fields".to_owned());
    };
    if field.direction.writes() && remote.read_only {
        return fault("direction", "must be `from_platform`: only the platform writes this field".to_owned());
    }
    if field.direction.writes()
        && let Some(holds) = clash(kind, field, remote.field_type)
    {
        return fault("transform", format!("must make {holds} of our field, which is what the platform's holds"));
    }
    if field.direction.reads()
        && let Some(holds) = inward_clash(kind, field, remote)
    {
        return fault("transform", format!("must make {holds} of the platform's field, which is what ours holds"));
    }
    let unknown = unknown_word(field, remote)?;
    fault("transform.values", format!("must translate to words of the field, of which `{unknown}` is none"))
}

/// What the platform's field holds, where what we would send can never be that.
fn clash(kind: RecordKind, field: &FieldMapping, remote: RemoteFieldType) -> Option<&'static str> {
    let ours = schema::find(kind, field.local.as_str())?.field_type;
    let sent = match (&field.transform, ours) {
        // Whatever it makes, only the platform can tell.
        (Transform::Template { .. } | Transform::Constant { .. } | Transform::ValueMap { .. }, _) => return None,
        (Transform::None | Transform::NumberText | Transform::SecondsToMillis, FieldType::Number) => Sent::Number,
        (Transform::EpochMillis, _) => Sent::Millis,
        (Transform::None | Transform::Date { .. }, FieldType::DateTime) => Sent::Moment,
        (
            Transform::None
            | Transform::NumberText
            | Transform::SecondsToMillis
            | Transform::Date { .. }
            | Transform::E164
            | Transform::Text { .. }
            | Transform::Join { .. }
            | Transform::Split { .. },
            _,
        ) => Sent::Text,
    };
    match (remote, sent) {
        (RemoteFieldType::Number, Sent::Text | Sent::Moment) => Some("a number"),
        (RemoteFieldType::Date | RemoteFieldType::DateTime, Sent::Text | Sent::Number) => Some("a date"),
        (RemoteFieldType::Bool, Sent::Text | Sent::Number | Sent::Millis | Sent::Moment) => Some("a yes or no"),
        (
            RemoteFieldType::Number
            | RemoteFieldType::Date
            | RemoteFieldType::DateTime
            | RemoteFieldType::Text
            | RemoteFieldType::Choice
            | RemoteFieldType::Phone
            | RemoteFieldType::Other,
            _,
        ) => None,
    }
}

/// What our field holds, where what the platform shows can never be that.
fn inward_clash(kind: RecordKind, field: &FieldMapping, remote: &RemoteField) -> Option<&'static str> {
    let ours = schema::find(kind, field.local.as_str())?.field_type;
    let is_moment = matches!(remote.field_type, RemoteFieldType::Date | RemoteFieldType::DateTime);
    let is_bool = remote.field_type == RemoteFieldType::Bool;
    let is_number = remote.field_type == RemoteFieldType::Number;
    let is_word = matches!(remote.field_type, RemoteFieldType::Choice | RemoteFieldType::Phone);
    let is_text = is_word || remote.field_type == RemoteFieldType::Text;
    match (&field.transform, ours) {
        (Transform::NumberText | Transform::SecondsToMillis, _) => (is_moment || is_bool).then_some("a number"),
        (Transform::None, FieldType::Number) => (is_moment || is_bool || is_text).then_some("a number"),
        // Text may say a moment as we do; whether it does is seen value by value.
        (Transform::None, FieldType::DateTime) => (is_number || is_bool || is_word).then_some("a date and time"),
        (Transform::None, FieldType::Choice(words)) => {
            let is_other = |option: &RemoteOption| !words.contains(&option.value.as_str());
            let is_foreign = is_word && !remote.options.is_empty() && remote.options.iter().all(is_other);
            (is_foreign || is_number || is_bool || is_moment).then_some("one of our words")
        }
        _ => None,
    }
}

/// What leaves us.
#[derive(Clone, Copy, Debug)]
enum Sent {
    Text,
    Number,
    Millis,
    Moment,
}

/// A word that would be sent, and that the choice does not know.
fn unknown_word<'a>(field: &'a FieldMapping, remote: &RemoteField) -> Option<&'a str> {
    let Transform::ValueMap { values } = &field.transform else { return None };
    let is_closed = remote.field_type == RemoteFieldType::Choice && !remote.options.is_empty();
    let knows = |word: &str| remote.options.iter().any(|option| option.value == word);
    values.values().map(String::as_str).find(|word| is_closed && field.direction.writes() && !knows(word))
}

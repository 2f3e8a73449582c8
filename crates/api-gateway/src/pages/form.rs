//! A form as it is shown: what was typed, what is wrong beside its field, and the choices that several forms offer. What a form
//! may hold is the API's to say; here it is told in the reader's words.

use std::collections::BTreeMap;

use actix_web::ResponseError as _;
use actix_web::http::StatusCode;
use connectors::connector::Connector;
use connectors::descriptor::{OptionChoice, OptionField};
use domain::alert::Audience;
use domain::integration::{Delivery, Direction, Frequency};
use runtime::http::Problem;
use serde::Serialize;
use serde_json::{Map, Value};

use super::fields::Fields;
use super::frame::Frame;
use super::text::{Message, alerts, faults, form as m, say};

/// Where the API begins; its things have pages of the same names.
const API: &str = "/api/v1/";

/// The field with the version of what is changed.
pub(super) const VERSION: &str = "version";

/// A form that is shown, for the first time or again.
#[derive(Debug, Default)]
pub(super) struct Form {
    fields: Fields,
    errors: BTreeMap<String, String>,
    /// What is wrong with none of the fields alone.
    pub(super) trouble: Option<String>,
    /// The page of what stands in the way.
    pub(super) in_the_way: Option<String>,
}

/// One of several things to choose.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) name: Message,
    pub(super) help: Message,
    pub(super) is_chosen: bool,
}

impl Form {
    /// A form with what was typed, or what is there.
    pub(super) fn with(fields: Fields) -> Self {
        Self { fields, ..Self::default() }
    }

    /// The same form with what the API says is wrong; other problems than of the form stay problems.
    pub(super) fn refused(mut self, frame: &Frame, problem: &Problem) -> Self {
        for error in problem.errors() {
            let said = faults::said(frame.language, &error.message);
            self.errors.entry(error.path.clone()).or_insert(said);
        }
        if self.errors.is_empty() {
            self.trouble = Some(match faults::trouble(problem.code()) {
                Some(known) => frame.say(known),
                None => problem.detail().to_owned(),
            });
            let page = |path: &str| path.strip_prefix(API).map(|rest| format!("/dashboard/{rest}"));
            self.in_the_way = problem.conflicts_with().and_then(page);
        }
        self
    }

    /// What was typed into a field.
    pub(super) fn value(&self, name: &str) -> &str {
        self.fields.get(name)
    }

    /// Whether a box was ticked.
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.has(name)
    }

    /// What is wrong with a field, or with anything within it.
    pub(super) fn error(&self, path: &str) -> Option<&str> {
        let within =
            |known: &str| known == path || known.strip_prefix(path).is_some_and(|rest| rest.starts_with(['.', '[']));
        self.errors.iter().find(|(known, _)| within(known)).map(|(_, said)| said.as_str())
    }

    /// The same form of the newest version, where what is wrong is that its own is over.
    ///
    /// Any other stays of the one that it began with: what somebody else has saved since is not in it, and is not to be written over
    /// unseen.
    pub(super) fn renewed(mut self, problem: &Problem, newest: i64) -> Self {
        if problem.status_code() == StatusCode::PRECONDITION_FAILED {
            self.fields.set(VERSION, newest.to_string());
        }
        self
    }

    /// What is wrong with fields that the page does not show.
    pub(super) fn others(&self, shown: &[&str]) -> Vec<String> {
        let is_shown = |path: &str| shown.iter().any(|name| path.starts_with(name));
        let others = self.errors.iter().filter(|(path, _)| !is_shown(path));
        others.map(|(path, said)| format!("{path} : {said}")).collect()
    }
}

/// Whether the API told a form what is wrong with it.
pub(super) fn is_about_form(problem: &Problem) -> bool {
    !problem.errors().is_empty() || faults::trouble(problem.code()).is_some()
}

/// A word of the API as it stands in JSON and in forms.
pub(super) fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn choices<T: Serialize + Copy, const N: usize>(all: [(T, Message, Message); N], chosen: &str) -> Vec<Choice> {
    let mut choices: Vec<_> = all
        .into_iter()
        .map(|(value, name, help)| {
            let value = word(value);
            Choice { is_chosen: value == chosen, value, name, help }
        })
        .collect();
    if choices.iter().all(|choice| !choice.is_chosen)
        && let Some(first) = choices.first_mut()
    {
        first.is_chosen = true;
    }
    choices
}

/// One of the choices that a platform offers, as its field.
#[derive(Debug)]
pub(super) struct Offered {
    pub(super) field: String,
    pub(super) legend: Message,
    pub(super) choices: Vec<Choice>,
}

fn field_of(option: &OptionField) -> String {
    format!("options.{}", option.name)
}

/// The choices that a platform offers, with what is chosen.
pub(super) fn options(connector: &dyn Connector, form: &Form) -> Vec<Offered> {
    let offered = |option: &OptionField| {
        let field = field_of(option);
        let usual = option.choices.first().map_or("", |choice| choice.value);
        let chosen = Some(form.value(&field)).filter(|value| !value.is_empty()).unwrap_or(usual);
        let choice = |choice: &OptionChoice| Choice {
            value: choice.value.to_owned(),
            name: say(choice.label.fr, choice.label.en),
            help: say(choice.help.fr, choice.help.en),
            is_chosen: choice.value == chosen,
        };
        let choices = option.choices.iter().map(choice).collect();
        Offered { legend: say(option.label.fr, option.label.en), choices, field }
    };
    connector.options().iter().map(offered).collect()
}

/// What a form chose of them, as the API takes it; `None` where it asked for nothing.
pub(super) fn chosen(connector: &dyn Connector, fields: &Fields) -> Option<Value> {
    let given = |option: &OptionField| Some((option.name.to_owned(), fields.given(&field_of(option))?.into()));
    let chosen: Map<String, Value> = connector.options().iter().filter_map(given).collect();
    (!chosen.is_empty()).then_some(Value::Object(chosen))
}

/// Which way data may flow.
pub(super) fn directions(chosen: &str) -> Vec<Choice> {
    let all = [
        (Direction::Bidirectional, m::BOTH_WAYS, m::BOTH_WAYS_HELP),
        (Direction::ToPlatform, m::TO_PLATFORM, m::TO_PLATFORM_HELP),
        (Direction::FromPlatform, m::FROM_PLATFORM, m::FROM_PLATFORM_HELP),
    ];
    choices(all, chosen)
}

/// When data may flow.
pub(super) fn frequencies(chosen: &str) -> Vec<Choice> {
    let all = [
        (Frequency::Realtime, m::REALTIME, m::REALTIME_HELP),
        (Frequency::Hourly, m::HOURLY, m::HOURLY_HELP),
        (Frequency::Daily, m::DAILY, m::DAILY_HELP),
    ];
    choices(all, chosen)
}

/// Who may hear of an integration's trouble.
pub(super) fn audiences(chosen: &str) -> Vec<Choice> {
    let all = [
        (Audience::Tenant, alerts::TENANT, alerts::TENANT_HELP),
        (Audience::Addresses, alerts::ADDRESSES, alerts::ADDRESSES_HELP),
        (Audience::Nobody, alerts::NOBODY, alerts::NOBODY_HELP),
    ];
    choices(all, chosen)
}

/// By which road data may flow; there may be only one.
pub(super) fn deliveries(chosen: &str, has_n8n: bool) -> Vec<Choice> {
    let direct = (Delivery::Direct, m::DIRECT, m::DIRECT_HELP);
    if has_n8n { choices([direct, (Delivery::N8n, m::N8N, m::N8N_HELP)], chosen) } else { choices([direct], chosen) }
}

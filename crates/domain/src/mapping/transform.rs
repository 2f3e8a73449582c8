//! How a value is changed on its way. Which value travels at all is `link`'s to say; what may be mapped so is `check`'s.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{dates, template};
use crate::field::{FieldName, FieldValue};
use crate::identity::{self, Region};
use crate::record::Fields;
use crate::settings::TimeZone;
use crate::time::Timestamp;

/// How a value is changed on its way.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Transform {
    /// Not at all.
    #[default]
    None,
    /// A number travels as decimal text.
    NumberText,
    /// A number of seconds travels as text in milliseconds.
    SecondsToMillis,
    /// A date and time travels as text in milliseconds since 1970.
    EpochMillis,
    /// A telephone number leaves in E.164; what stands so comes back.
    E164,
    /// Words of ours become words of theirs; one to one, or it does not come back.
    ValueMap {
        /// Ours, theirs.
        values: BTreeMap<String, String>,
    },
    /// Text leaves trimmed, or in another case; what stands so comes back.
    Text {
        /// Whether blanks around it are left out.
        #[serde(default)]
        trim: bool,
        /// Its case.
        #[serde(default)]
        case: Case,
    },
    /// A date and time travels as text in this format; it comes back where the format says the second.
    Date {
        /// As `strftime` writes it: `%d/%m/%Y %H:%M`.
        #[schema(example = "%d/%m/%Y %H:%M:%S")]
        format: String,
        /// Where it is that time.
        #[serde(default)]
        zone: TimeZone,
    },
    /// This value, wherever our field holds something; never taken back.
    Constant {
        /// What is sent.
        value: FieldValue,
    },
    /// Our field and others in one text; empty ones are left out. Never taken back: see `split`.
    Join {
        /// The fields of ours that follow.
        with: Vec<FieldName>,
        /// What stands between them.
        #[serde(default = "blank")]
        separator: String,
    },
    /// A part of their text, which is only taken: `first` and `rest` go to fields of ours of their own.
    Split {
        /// Which part.
        part: Part,
        /// What stands between the parts.
        #[serde(default = "blank")]
        separator: String,
    },
    /// Text made of our fields by a template, as in `{{ first_name|title }} ({{ city }})`; never taken back.
    Template {
        /// The template. Beside our fields by their names, it knows `value`, which is our field of this line.
        #[schema(example = "{{ first_name|title }} ({{ city }})")]
        template: String,
    },
}

/// The case of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TextCase)]
pub enum Case {
    /// As it is.
    #[default]
    Kept,
    /// All small.
    Lower,
    /// All capitals.
    Upper,
    /// Each word begins with a capital.
    Title,
}

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TextPart)]
pub enum Part {
    /// What stands before the first separator.
    First,
    /// What stands behind it.
    Rest,
}

fn blank() -> String {
    " ".to_owned()
}

impl Case {
    fn of(self, text: &str) -> String {
        match self {
            Self::Kept => text.to_owned(),
            Self::Lower => text.to_lowercase(),
            Self::Upper => text.to_uppercase(),
            Self::Title => title(text),
        }
    }
}

pub(super) fn title(text: &str) -> String {
    let mut begins = true;
    let mut titled = String::with_capacity(text.len());
    for letter in text.chars() {
        if begins {
            titled.extend(letter.to_uppercase());
        } else {
            titled.extend(letter.to_lowercase());
        }
        begins = !letter.is_alphanumeric();
    }
    titled
}

impl Transform {
    /// Words of ours and what they are there.
    #[must_use]
    pub fn words(pairs: &[(&str, &str)]) -> Self {
        let values = pairs.iter().map(|(ours, theirs)| ((*ours).to_owned(), (*theirs).to_owned()));
        Self::ValueMap { values: values.collect() }
    }

    /// What the platform should hold where our field is `local`; `None` where nothing was ever said of it.
    pub(super) fn forward(&self, local: &FieldName, fields: &Fields, region: Region) -> Option<FieldValue> {
        match self {
            Self::Join { with, separator } => {
                let parts = std::iter::once(local).chain(with).filter_map(|name| fields.value(name.as_str()));
                let parts: Vec<String> = parts.map(FieldValue::to_plain_text).collect();
                if parts.is_empty() {
                    return None;
                }
                let filled: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
                Some(FieldValue::text(filled.join(separator)))
            }
            // One that fails is told apart by `fails`, before anything is written.
            Self::Template { template } => template::render(template, local, fields, region).ok().flatten(),
            Self::Split { .. } => None,
            Self::None
            | Self::NumberText
            | Self::SecondsToMillis
            | Self::EpochMillis
            | Self::E164
            | Self::ValueMap { .. }
            | Self::Text { .. }
            | Self::Date { .. }
            | Self::Constant { .. } => fields.value(local.as_str()).map(|value| self.translate(value, region)),
        }
    }

    /// One value of ours in the platform's terms; a telephone number without a country code is of that region.
    pub(super) fn translate(&self, value: &FieldValue, region: Region) -> FieldValue {
        match self {
            Self::None | Self::Join { .. } | Self::Split { .. } | Self::Template { .. } => value.clone(),
            Self::NumberText => FieldValue::text(value.to_plain_text()),
            Self::SecondsToMillis => match value {
                FieldValue::Number(seconds) => {
                    let millis = seconds.as_u64().map(|s| s.saturating_mul(1_000).to_string());
                    FieldValue::text(millis.unwrap_or_default())
                }
                FieldValue::Null | FieldValue::Bool(_) | FieldValue::Text(_) | FieldValue::List(_) => FieldValue::Null,
            },
            Self::EpochMillis => {
                let millis = value.as_text().and_then(Timestamp::parse).map(|at| at.as_millis().to_string());
                FieldValue::text(millis.unwrap_or_default())
            }
            Self::E164 => match value.as_text() {
                Some(text) => FieldValue::text(identity::e164(text, region).unwrap_or_else(|| text.to_owned())),
                None => value.clone(),
            },
            Self::ValueMap { values } => match value.as_text() {
                Some(text) => values.get(text).map_or_else(|| value.clone(), FieldValue::text),
                None => value.clone(),
            },
            Self::Text { trim, case } => match value.as_text() {
                Some(text) => FieldValue::text(case.of(if *trim { text.trim() } else { text })),
                None => value.clone(),
            },
            Self::Date { format, zone } => {
                let at = value.as_text().and_then(Timestamp::parse);
                FieldValue::text(at.and_then(|at| dates::write(at, format, *zone)).unwrap_or_default())
            }
            Self::Constant { value: constant } if !value.is_null() => constant.clone(),
            Self::Constant { .. } => FieldValue::Null,
        }
    }

    /// Whether nothing can be made of these fields: a template that works on others fails on them.
    pub(super) fn fails(&self, local: &FieldName, fields: &Fields, region: Region) -> bool {
        matches!(self, Self::Template { template } if template::render(template, local, fields, region).is_err())
    }

    /// Whether what was sent can be told from what comes back: words are translated one to one, nothing is left out.
    #[must_use]
    pub fn comes_back(&self) -> bool {
        match self {
            Self::None
            | Self::NumberText
            | Self::SecondsToMillis
            | Self::EpochMillis
            | Self::E164
            | Self::Text { .. }
            | Self::Split { .. } => true,
            Self::Date { format, zone } => dates::says_the_second(format, *zone),
            Self::ValueMap { values } => values.values().collect::<BTreeSet<_>>().len() == values.len(),
            Self::Constant { .. } | Self::Join { .. } | Self::Template { .. } => false,
        }
    }

    /// Their value in our terms; `None` where it has none.
    pub(super) fn inverse(&self, value: &FieldValue) -> Option<FieldValue> {
        match self {
            Self::Constant { .. } | Self::Join { .. } | Self::Template { .. } => None,
            _ if value.is_null() => Some(FieldValue::Null),
            Self::None | Self::E164 | Self::Text { .. } => Some(value.clone()),
            Self::NumberText => serde_json::from_str(value.as_text()?).ok().map(FieldValue::Number),
            Self::SecondsToMillis => {
                let millis: u64 = value.as_text()?.parse().ok()?;
                Some(FieldValue::Number((millis / 1_000).into()))
            }
            Self::EpochMillis => {
                let at = Timestamp::from_millis(value.as_text()?.parse().ok()?)?;
                Some(FieldValue::text(at.to_string()))
            }
            Self::Date { format, zone } => {
                let at = dates::read(value.as_text()?, format, *zone)?;
                Some(FieldValue::text(at.to_string()))
            }
            Self::ValueMap { values } => {
                let theirs = value.as_text()?;
                let mut ours = values.iter().filter(|(_, mapped)| *mapped == theirs);
                match (ours.next(), ours.next()) {
                    (Some((only, _)), None) => Some(FieldValue::text(only)),
                    (Some(_), Some(_)) | (None, _) => None,
                }
            }
            Self::Split { part, separator } => {
                let (first, rest) = split(value.as_text()?, separator)?;
                Some(FieldValue::text(match part {
                    Part::First => first,
                    Part::Rest => rest,
                }))
            }
        }
    }

    /// Whether `ours` goes out as what was `shown`. The parts of a text do, joined again.
    pub(super) fn gives_back(&self, ours: &FieldValue, shown: &FieldValue, region: Region) -> bool {
        matches!(self, Self::Split { .. }) || self.translate(ours, region) == *shown
    }
}

/// Both parts of a text, where each is one: neither empty nor with separators around it.
fn split<'a>(text: &'a str, separator: &str) -> Option<(&'a str, &'a str)> {
    let (first, rest) = text.split_once(separator)?;
    let is_whole = |part: &str| !part.is_empty() && part.trim() == part && !part.starts_with(separator);
    (is_whole(first) && is_whole(rest)).then_some((first, rest))
}

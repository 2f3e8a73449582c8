//! Every sentence of the pages, in both languages. A message is one constant: it cannot lack a language, one that is used
//! and is not there does not compile, and one that nobody uses is a warning.

pub(super) mod activity;
pub(super) mod alerts;
pub(super) mod audit;
pub(super) mod catalogue;
pub(super) mod causes;
mod causes_by_sentence;
pub(super) mod connect;
pub(super) mod consent;
pub(super) mod data;
pub(super) mod failure;
pub(super) mod failures;
pub(super) mod faults;
mod finer_faults;
pub(super) mod form;
pub(super) mod frame;
pub(super) mod hints;
pub(super) mod integration;
pub(super) mod integration_settings;
pub(super) mod login;
pub(super) mod logs;
pub(super) mod mapping;
pub(super) mod our_fields;
pub(super) mod overview;
pub(super) mod remedies;
pub(super) mod said;
pub(super) mod settings;
pub(super) mod statistics;
pub(super) mod time;
pub(super) mod tokens;
pub(super) mod webhooks;

use domain::settings::Language;

/// A sentence in every language that pages speak. `{}` stands for what is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message {
    fr: &'static str,
    en: &'static str,
}

/// Something counted; `{}` stands for the number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    /// Of one.
    pub(super) one: Message,
    /// Of more.
    pub(super) many: Message,
}

/// A message: French first, then English.
pub(super) const fn say(fr: &'static str, en: &'static str) -> Message {
    Message { fr, en }
}

/// A counted message: French and English of one, then of more.
pub(super) const fn count(one: (&'static str, &'static str), many: (&'static str, &'static str)) -> Counted {
    Counted { one: say(one.0, one.1), many: say(many.0, many.1) }
}

impl Message {
    /// Its words in that language.
    pub(super) const fn to(self, language: Language) -> &'static str {
        match language {
            Language::Fr => self.fr,
            Language::En => self.en,
        }
    }
}

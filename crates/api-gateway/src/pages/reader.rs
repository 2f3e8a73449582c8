//! Who reads a page: in which language, by which clock, in which light. What is said to them is `text`'s.

mod clock;

use std::fmt::Display;

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT_LANGUAGE;
use chrono_tz::Tz;
use domain::settings::Language;
use domain::time::Timestamp;

use super::text::{Counted, Message, causes};
use super::typeset;

/// The cookies of a browser's preferences. They tell nothing of anybody and open nothing.
pub(super) const LANGUAGE: &str = "coccinelle_language";
pub(super) const THEME: &str = "coccinelle_theme";
pub(super) const TIME_ZONE: &str = "coccinelle_time_zone";

/// In which light pages are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Theme {
    /// As the reader's system is.
    #[default]
    Auto,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    pub(super) const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    /// Its name in the cookie and in the page.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == name)
    }
}

/// A small value, however many references a template has put around it.
pub(super) trait Plain<T> {
    /// The value itself.
    fn plain(self) -> T;
}

impl<T: Copy> Plain<T> for T {
    fn plain(self) -> T {
        self
    }
}

impl<T: Copy> Plain<T> for &T {
    fn plain(self) -> T {
        *self
    }
}

impl<T: Copy> Plain<T> for &&T {
    fn plain(self) -> T {
        **self
    }
}

/// Whoever reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader {
    /// Their language.
    pub(super) language: Language,
    /// Their time zone; `None` until their browser has told it.
    pub(super) zone: Option<Tz>,
    /// Their light.
    pub(super) theme: Theme,
    /// When they read.
    pub(super) now: Timestamp,
}

impl Reader {
    /// The reader behind a request: what was chosen, else what the browser asks for, else French.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let cookie = |name| request.cookie(name).map(|cookie| cookie.value().to_owned());
        let asked = request.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let language = cookie(LANGUAGE).as_deref().and_then(language_named).or_else(|| asked.and_then(preferred));
        Self {
            language: language.unwrap_or_default(),
            zone: cookie(TIME_ZONE).and_then(|name| name.parse().ok()),
            theme: cookie(THEME).as_deref().and_then(Theme::named).unwrap_or_default(),
            now: Timestamp::now(),
        }
    }

    /// The language as pages name it.
    pub(super) fn code(&self) -> &'static str {
        code(self.language)
    }

    /// A message in the reader's language.
    pub(super) fn say(&self, message: impl Plain<Message>) -> String {
        typeset::text(self.language, message.plain().to(self.language))
    }

    /// A message with something in place of its `{}`.
    pub(super) fn fill(&self, message: impl Plain<Message>, with: impl Display) -> String {
        typeset::text(self.language, message.plain().to(self.language)).replacen("{}", &with.to_string(), 1)
    }

    /// A message with two things in place of its `{}`.
    pub(super) fn fill_two(&self, message: impl Plain<Message>, first: impl Display, second: impl Display) -> String {
        let text = typeset::text(self.language, message.plain().to(self.language));
        let Some((before, rest)) = text.split_once("{}") else { return text };
        format!("{before}{first}{}", rest.replacen("{}", &second.to_string(), 1))
    }

    /// Why something failed: in the reader's language where the words are ours, else as it was said.
    pub(super) fn cause(&self, code: &str, message: &str) -> String {
        causes::said(self.language, code, message)
    }

    /// So many of something, in words.
    pub(super) fn count(&self, counted: impl Plain<Counted>, count: impl Plain<i64>) -> String {
        let (counted, count) = (counted.plain(), count.plain());
        // French counts none and one alike.
        let is_one = match self.language {
            Language::Fr => (-1..=1).contains(&count),
            Language::En => count == 1,
        };
        let message = if is_one { counted.one } else { counted.many };
        // A count stays with what is counted.
        let text = typeset::text(self.language, message.to(self.language)).replace("{} ", "{}\u{a0}");
        text.replacen("{}", &self.number(count), 1)
    }

    /// A whole number.
    pub(super) fn number(&self, number: impl Plain<i64>) -> String {
        typeset::number(self.language, number.plain())
    }

    /// A share as a percentage; one that is not quite all is never shown as all.
    pub(super) fn percent(&self, share: impl Plain<f64>) -> String {
        typeset::percent(self.language, share.plain())
    }

    /// A time in milliseconds.
    pub(super) fn millis(&self, millis: impl Plain<i64>) -> String {
        typeset::millis(self.language, millis.plain())
    }
}

/// The name of a language in pages and cookies.
pub(super) fn code(language: Language) -> &'static str {
    match language {
        Language::Fr => "fr",
        Language::En => "en",
    }
}

/// The language of that name, whatever its country.
pub(super) fn language_named(tag: &str) -> Option<Language> {
    let name = tag.split('-').next().unwrap_or(tag).trim();
    [Language::Fr, Language::En].into_iter().find(|language| name.eq_ignore_ascii_case(code(*language)))
}

/// What a browser likes best of what there is (RFC 9110, section 12.5.4).
fn preferred(header: &str) -> Option<Language> {
    let mut best: Option<(f32, Language)> = None;
    for part in header.split(',') {
        let mut pieces = part.split(';');
        let language = pieces.next().and_then(language_named);
        let quality = pieces.find_map(|piece| piece.trim().strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
        if let (Some(language), Some(quality)) = (language, quality)
            && quality > 0.0
            && best.is_none_or(|(known, _)| quality > known)
        {
            best = Some((quality, language));
        }
    }
    best.map(|(_, language)| language)
}

/// The moments that a field holds, by the clocks of who asks and of others, and how they are told: for `crate::fuzzing`.
#[cfg(fuzzing)]
pub(crate) fn moments(request: &HttpRequest, typed: &str) -> Vec<(Timestamp, String)> {
    let reader = Reader::of(request);
    let zones = [reader.zone, None, Some(Tz::Pacific__Apia), Some(Tz::America__St_Johns)];
    let told = |zone| {
        let reader = Reader { zone, ..reader };
        let at = reader.moment(typed)?;
        Some((at, reader.time(at)))
    };
    zones.into_iter().filter_map(told).collect()
}

/// Whether a browser asks for a language of ours: for `crate::fuzzing`.
#[cfg(fuzzing)]
pub(crate) fn is_language(header: &str) -> bool {
    preferred(header).is_some()
}

#[cfg(test)]
mod tests {
    use actix_web::cookie::Cookie;
    use actix_web::test::TestRequest;

    use super::super::text::time;
    use super::*;

    pub(super) fn reader(language: Language) -> Reader {
        let now = Timestamp::parse("2026-11-22T17:04:00Z").unwrap();
        Reader { language, zone: None, theme: Theme::Auto, now }
    }

    #[test]
    fn speaks_french_unless_asked_otherwise() {
        for (header, expected) in [
            (None, Language::Fr),
            (Some("en-GB,en;q=0.9"), Language::En),
            (Some("de, fr;q=0.5, en;q=0.7"), Language::En),
            (Some("en;q=0, fr;q=0.1"), Language::Fr),
            (Some("de"), Language::Fr),
            (Some(";;q=x,"), Language::Fr),
        ] {
            let mut request = TestRequest::default();
            if let Some(header) = header {
                request = request.insert_header((ACCEPT_LANGUAGE, header));
            }
            assert_eq!(Reader::of(&request.to_http_request()).language, expected, "{header:?}");
        }
        let chosen = TestRequest::default().insert_header((ACCEPT_LANGUAGE, "en")).cookie(Cookie::new(LANGUAGE, "fr"));
        assert_eq!(Reader::of(&chosen.to_http_request()).language, Language::Fr);
    }

    #[test]
    fn things_are_counted_as_each_language_counts() {
        let said = |language, count: i64| reader(language).count(time::MINUTES, count);
        assert_eq!(said(Language::Fr, 0), "il y a 0\u{a0}minute");
        assert_eq!(said(Language::En, 0), "0\u{a0}minutes ago");
        assert_eq!(said(Language::Fr, 1_204), "il y a 1\u{202f}204\u{a0}minutes");
        assert_eq!(said(Language::En, 1_204), "1,204\u{a0}minutes ago");
    }
}

//! Who reads a page: in which language, in which time zone, in which light. What is said to them is `text`'s.

use std::fmt::Display;

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT_LANGUAGE;
use chrono::{DateTime, Datelike as _, NaiveDateTime, TimeDelta, Timelike as _, Utc};
use chrono_tz::Tz;
use domain::settings::Language;
use domain::time::Timestamp;

use super::text::{Counted, Message, causes, time};
use super::typeset;

/// The cookies of a browser's preferences. They tell nothing of anybody and open nothing.
pub(super) const LANGUAGE: &str = "coccinelle_language";
pub(super) const THEME: &str = "coccinelle_theme";
pub(super) const TIME_ZONE: &str = "coccinelle_time_zone";

/// In which zone times are told where nobody has said one.
const DEFAULT_ZONE: Tz = Tz::Europe__Paris;

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

    /// A moment, relative to now, with the exact one beside it. It is HTML, and holds nothing that anybody typed.
    pub(super) fn time(&self, at: impl Plain<Timestamp>) -> String {
        let at = at.plain();
        format!("<time datetime=\"{at}\" title=\"{}\">{}</time>", self.exact(at), self.ago(at))
    }

    /// A moment to the minute. It is HTML, and holds nothing that anybody typed.
    pub(super) fn date(&self, at: impl Plain<Timestamp>) -> String {
        let at = at.plain();
        format!("<time datetime=\"{at}\">{}</time>", self.exact(at))
    }

    /// A moment in words: date and time in the reader's zone.
    pub(super) fn exact(&self, at: impl Plain<Timestamp>) -> String {
        let at = at.plain();
        let local = self.local(at);
        let month = self.month(local.month());
        let (hour, minute) = (local.hour(), local.minute());
        format!("{} {month} {}, {hour:02}:{minute:02}", local.day(), local.year())
    }

    /// The moment that a field for date and time holds, in the reader's zone.
    pub(super) fn moment(&self, typed: &str) -> Option<Timestamp> {
        let typed = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
            .into_iter()
            .find_map(|form| NaiveDateTime::parse_from_str(typed, form).ok())?;
        let at = |typed: NaiveDateTime| typed.and_local_timezone(self.zone.unwrap_or(DEFAULT_ZONE)).earliest();
        // Where clocks go forward, an hour is left out: whoever names it means the one that came instead.
        let at = at(typed).or_else(|| at(typed.checked_add_signed(TimeDelta::hours(1))?))?;
        Some(at.with_timezone(&Utc).into())
    }

    /// The day of a moment, without its year.
    pub(super) fn day(&self, at: impl Plain<Timestamp>) -> String {
        let at = at.plain();
        let local = self.local(at);
        format!("{} {}", local.day(), self.month(local.month()))
    }

    /// The hour of a moment.
    pub(super) fn hour(&self, at: impl Plain<Timestamp>) -> String {
        let at = at.plain();
        self.local(at).format("%H:%M").to_string()
    }

    /// How long ago a moment was; beyond a week, when.
    pub(super) fn ago(&self, at: impl Plain<Timestamp>) -> String {
        let at = at.plain();
        let passed = DateTime::<Utc>::from(self.now) - DateTime::<Utc>::from(at);
        if passed < TimeDelta::seconds(-30) || passed > TimeDelta::days(7) {
            return self.exact(at);
        }
        if passed < TimeDelta::seconds(45) {
            return self.say(time::NOW);
        }
        if passed < TimeDelta::minutes(60) {
            return self.count(time::MINUTES, passed.num_minutes().max(1));
        }
        if passed < TimeDelta::hours(24) {
            return self.count(time::HOURS, passed.num_hours());
        }
        self.count(time::DAYS, passed.num_days())
    }

    fn local(&self, at: Timestamp) -> DateTime<Tz> {
        DateTime::<Utc>::from(at).with_timezone(&self.zone.unwrap_or(DEFAULT_ZONE))
    }

    fn month(&self, number: u32) -> String {
        let index = usize::try_from(number.saturating_sub(1)).unwrap_or_default();
        time::MONTHS.get(index).map(|month| self.say(*month)).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use actix_web::cookie::Cookie;
    use actix_web::test::TestRequest;

    use super::*;

    fn reader(language: Language) -> Reader {
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
    fn times_are_told_in_the_readers_words_and_zone() {
        let at = |text| Timestamp::parse(text).unwrap();
        let (french, english) = (reader(Language::Fr), reader(Language::En));
        assert_eq!(french.exact(at("2026-11-22T17:04:59Z")), "22 nov. 2026, 18:04");
        assert_eq!(english.exact(at("2026-11-22T17:04:59Z")), "22 Nov 2026, 18:04");
        assert_eq!(french.ago(at("2026-11-22T17:02:00Z")), "il y a 2\u{a0}minutes");
        assert_eq!(french.ago(at("2026-11-22T15:50:00Z")), "il y a 1\u{a0}heure");
        assert_eq!(english.ago(at("2026-11-20T15:50:00Z")), "2\u{a0}days ago");
        assert_eq!(english.ago(at("2026-11-22T17:04:00Z")), "just now");
        assert_eq!(english.ago(at("2026-11-02T15:50:00Z")), "2 Nov 2026, 16:50");
        let elsewhere = Reader { zone: Some(Tz::America__Montreal), ..french };
        assert_eq!(elsewhere.exact(at("2026-11-22T17:04:59Z")), "22 nov. 2026, 12:04");
    }

    #[test]
    fn what_is_typed_is_of_the_readers_clock_whatever_that_does() {
        let moment = |typed| reader(Language::Fr).moment(typed).map(|at| at.to_string());
        for (typed, at) in [
            ("2026-11-22T18:04", "2026-11-22T17:04:00.000000Z"),
            ("2026-07-22T18:04:30", "2026-07-22T16:04:30.000000Z"),
            // Neither hour is one alone: the one is left out, and the other comes twice.
            ("2026-03-29T02:30", "2026-03-29T01:30:00.000000Z"),
            ("2026-10-25T02:30", "2026-10-25T00:30:00.000000Z"),
        ] {
            assert_eq!(moment(typed).as_deref(), Some(at), "{typed}");
        }
        assert_eq!(moment("2026-02-30T10:00"), None);
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

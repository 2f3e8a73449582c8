//! The reader's clock: how a moment is told to them, and which one they mean by what they type.

use chrono::{DateTime, Datelike as _, NaiveDateTime, TimeDelta, Timelike as _, Utc};
use chrono_tz::Tz;
use domain::time::Timestamp;

use super::{Plain, Reader};
use crate::pages::text::time;

/// In which zone times are told where nobody has said one.
const DEFAULT_ZONE: Tz = Tz::Europe__Paris;

impl Reader {
    /// A moment, relative to now, with the exact one beside it. It is HTML, and holds nothing that anybody typed.
    pub(in crate::pages) fn time(&self, at: impl Plain<Timestamp>) -> String {
        let at = at.plain();
        format!("<time datetime=\"{at}\" title=\"{}\">{}</time>", self.exact(at), self.ago(at))
    }

    /// A moment to the minute. It is HTML, and holds nothing that anybody typed.
    pub(in crate::pages) fn date(&self, at: impl Plain<Timestamp>) -> String {
        let at = at.plain();
        format!("<time datetime=\"{at}\">{}</time>", self.exact(at))
    }

    /// A moment in words: date and time in the reader's zone.
    pub(in crate::pages) fn exact(&self, at: impl Plain<Timestamp>) -> String {
        let at = at.plain();
        let local = self.local(at);
        let month = self.month(local.month());
        let (hour, minute) = (local.hour(), local.minute());
        format!("{} {month} {}, {hour:02}:{minute:02}", local.day(), local.year())
    }

    /// The moment that a field for date and time holds, in the reader's zone.
    pub(in crate::pages) fn moment(&self, typed: &str) -> Option<Timestamp> {
        let typed = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
            .into_iter()
            .find_map(|form| NaiveDateTime::parse_from_str(typed, form).ok())?;
        let at = |typed: NaiveDateTime| typed.and_local_timezone(self.zone.unwrap_or(DEFAULT_ZONE)).earliest();
        // Where clocks go forward, an hour is left out: whoever names it means the one that came instead.
        let at = at(typed).or_else(|| at(typed.checked_add_signed(TimeDelta::hours(1))?))?;
        Timestamp::storable(at.with_timezone(&Utc))
    }

    /// The day of a moment, without its year.
    pub(in crate::pages) fn day(&self, at: impl Plain<Timestamp>) -> String {
        let at = at.plain();
        let local = self.local(at);
        format!("{} {}", local.day(), self.month(local.month()))
    }

    /// The hour of a moment.
    pub(in crate::pages) fn hour(&self, at: impl Plain<Timestamp>) -> String {
        let at = at.plain();
        self.local(at).format("%H:%M").to_string()
    }

    /// How long ago a moment was; beyond a week, when.
    pub(in crate::pages) fn ago(&self, at: impl Plain<Timestamp>) -> String {
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

#[cfg(test)]
mod tests {
    use domain::settings::Language;

    use super::super::tests::reader;
    use super::*;

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
        // The form has no end, and the database has.
        for none in ["2026-02-30T10:00", "-9999-01-01T00:00", "+999999-01-01T00:00"] {
            assert_eq!(moment(none), None, "{none}");
        }
    }
}

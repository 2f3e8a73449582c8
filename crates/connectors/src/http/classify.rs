//! What an HTTP answer means by its status and headers alone.

use std::time::Duration;

use domain::fault::FaultKind;
use domain::time::Timestamp;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// The class of a status that is no success.
///
/// An unknown 4xx is permanent: the same request would be refused again. A conflict that no platform's own code explains is one of
/// timing, too: two requests met.
pub(crate) fn kind_of(status: u16) -> FaultKind {
    match status {
        401 => FaultKind::Unauthorized,
        403 => FaultKind::Forbidden,
        404 | 410 => FaultKind::NotFound,
        429 => FaultKind::RateLimited,
        // 477 is HubSpot's "the account is being moved"; the rest is timing by its own definition.
        408 | 409 | 423 | 425 | 477 | 500.. => FaultKind::Unavailable,
        _ => FaultKind::Invalid,
    }
}

/// Whoever asks for more is asking for a human.
pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// In so many seconds a limit begins anew.
const RESETS: [&str; 2] = ["ratelimit-reset", "x-ratelimit-reset"];

/// How long `Retry-After` asks to wait, in seconds or until a date; without it, until the limit that the answer tells of
/// begins anew.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let Some(asked) = headers.get(RETRY_AFTER) else {
        let reset = RESETS.iter().find_map(|name| headers.get(*name)?.to_str().ok()?.trim().parse::<u64>().ok());
        // Some count from 1970; no window is that long.
        return reset.map(Duration::from_secs).filter(|wait| *wait <= LONGEST);
    };
    let text = asked.to_str().ok()?.trim();
    // Some platforms say `2.0`.
    let wait = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok()?,
        Err(_) => {
            // The platform's own clock, where it shows it: ours may be an hour off.
            let theirs = headers.get(DATE).and_then(|date| moment(date.to_str().ok()?));
            theirs.unwrap_or(now).until(moment(text)?)
        }
    };
    Some(wait.min(LONGEST))
}

/// A date as headers have it.
fn moment(text: &str) -> Option<Timestamp> {
    chrono::DateTime::parse_from_rfc2822(text.trim()).ok().map(|at| Timestamp::from(at.to_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_heal_by_itself_is_transient() {
        let transient: Vec<u16> = (300..600).filter(|status| kind_of(*status).is_transient()).collect();
        let expected: Vec<u16> = [408, 409, 423, 425, 429, 477].into_iter().chain(500..600).collect();
        assert_eq!(transient, expected);
    }

    fn asked(text: &str) -> Option<u64> {
        let headers = [(RETRY_AFTER, text.parse().unwrap())].into_iter().collect();
        let now = Timestamp::parse("2026-11-22T18:04:00Z").unwrap();
        retry_after(&headers, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn reads_both_forms_of_retry_after() {
        assert_eq!((asked("12"), asked("2.0"), asked("inf")), (Some(12), Some(2), None));
        assert_eq!(asked("Sun, 22 Nov 2026 18:05:30 GMT"), Some(90));
        assert_eq!(asked("Sun, 22 Nov 2026 17:00:00 GMT"), Some(0));
        assert_eq!(asked("99999999999"), Some(86_400));
        assert_eq!(asked("soon"), None);
        assert_eq!(asked("-1"), None);
    }

    #[test]
    fn a_date_is_waited_for_by_the_clock_of_whoever_named_it() {
        let headers = [
            (RETRY_AFTER, "Sun, 22 Nov 2026 18:05:30 GMT".parse().unwrap()),
            (DATE, "Sun, 22 Nov 2026 18:05:00 GMT".parse().unwrap()),
        ];
        let an_hour_behind = Timestamp::parse("2026-11-22T17:05:00Z").unwrap();
        let wait = retry_after(&headers.into_iter().collect(), an_hour_behind);
        assert_eq!(wait, Some(Duration::from_secs(30)));
    }

    #[test]
    fn without_it_a_limit_is_waited_for_until_it_begins_anew() {
        for (text, expected) in [("2", Some(2)), ("1795370640", None), ("soon", None)] {
            let headers = [("x-ratelimit-reset".parse().unwrap(), text.parse().unwrap())].into_iter().collect();
            assert_eq!(retry_after(&headers, Timestamp::now()).map(|wait| wait.as_secs()), expected, "{text}");
        }
    }
}

//! Who took nothing lately, and until when each of them is left alone. Who is meant by a key, and what "nothing" is, its users say.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A pause grows to so many times the set one while somebody stays away.
const LONGEST: u32 = 10;

/// Somebody is away who took nothing so many times in a row: one answer may be that of one ailing server among many.
const IN_A_ROW: u32 = 3;

/// Those who are away.
#[derive(Debug)]
pub(crate) struct Absences<K> {
    pause: Duration,
    away: Mutex<HashMap<K, Away>>,
}

#[derive(Clone, Copy, Debug)]
struct Away {
    /// Of a clock that nobody sets: however that of the machine is set, nobody is left alone for longer.
    until: Instant,
    pause: Duration,
    missed: u32,
}

impl<K: Eq + Hash + Clone> Absences<K> {
    /// Nobody is away; whoever will be is left alone for `pause` at first.
    pub(crate) fn new(pause: Duration) -> Self {
        Self { pause, away: Mutex::default() }
    }

    /// Until when somebody is left alone.
    pub(crate) fn until(&self, key: &K) -> Option<Instant> {
        let away = self.lock().get(key).copied().filter(|away| away.missed >= IN_A_ROW)?;
        Some(away.until).filter(|until| *until > Instant::now())
    }

    /// Notes that somebody is there; whether that is news.
    pub(crate) fn took(&self, key: &K) -> bool {
        self.lock().remove(key).is_some()
    }

    /// Notes that somebody took nothing; returns when that is to be tried again, and whether that is another pause than before.
    pub(crate) fn missed(&self, key: &K) -> (Instant, bool) {
        let now = Instant::now();
        let mut away = self.lock();
        let known = away.get(key).copied();
        let missed = known.map_or(0, |known| known.missed).saturating_add(1);
        if let Some(known) = known.filter(|known| known.until > now) {
            away.insert(key.clone(), Away { missed, ..known });
            return (known.until, false);
        }
        let pause = known.map_or(self.pause, |known| (known.pause * 2).min(self.pause * LONGEST));
        let until = now + pause;
        away.insert(key.clone(), Away { until, pause, missed });
        (until, true)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Away>> {
        // A panic elsewhere leaves the map as it was between two statements.
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_away_is_left_alone_until_it_takes_something_again() {
        let absences = Absences::new(Duration::from_secs(60));
        assert_eq!(absences.until(&"a"), None);
        let (until, is_news) = absences.missed(&"a");
        assert!(is_news);
        assert_eq!(absences.missed(&"a"), (until, false), "others who were under way meanwhile say nothing new");
        assert_eq!(absences.until(&"a"), None, "whatever else there is may be taken");
        assert_eq!(absences.missed(&"a"), (until, false));
        assert_eq!((absences.until(&"a"), absences.until(&"b")), (Some(until), None));
        assert!(absences.took(&"a"));
        assert!(!absences.took(&"a"));
        assert_eq!(absences.until(&"a"), None);
    }
}

//! The names of what tests make on a server, from which a later run sees what a killed one has left behind.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const PREFIX: &str = "test";
/// Younger things are left alone even when their process cannot be seen: it may run in another container.
const GRACE: Duration = Duration::from_secs(600);

/// A name that no other test has: `test_{seconds since 1970}_{process}_{number}`.
pub(crate) fn new_name() -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{PREFIX}_{}_{}_{number}", now().as_secs(), std::process::id())
}

/// Whether `name` was given by [`new_name`] in a run that is over.
pub(crate) fn is_left_over(name: &str) -> bool {
    let mut parts = name.split('_');
    if parts.next() != Some(PREFIX) {
        return false;
    }
    let (Some(Ok(made)), Some(Ok(process))) =
        (parts.next().map(str::parse::<u64>), parts.next().map(str::parse::<u32>))
    else {
        return false;
    };
    let age = now().saturating_sub(Duration::from_secs(made));
    age > GRACE && !Path::new("/proc").join(process.to_string()).exists()
}

/// The time since 1970.
pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_run_made_is_not_left_over() {
        assert!(!is_left_over(&new_name()));
    }

    #[test]
    fn what_a_dead_process_made_long_ago_is_left_over() {
        assert!(is_left_over("test_1000000000_4294967295_0"));
    }

    #[test]
    fn what_others_made_is_none_of_ours() {
        for name in ["postgres", "test", "test_db", "production_1000000000_4294967295_0", "test_x_y_z"] {
            assert!(!is_left_over(name), "{name}");
        }
    }
}

//! All targets by name. What each of them holds is its own module's.

use crate::{answers, consent, envelope, event, mapping, pass, proxy, redaction, text, urls, webhook};
#[cfg(fuzzing)]
use crate::{doors, reads};

/// Takes any bytes; it panics where a promise does not hold of them.
pub type Target = fn(&[u8]);

/// Every target by its name, which is that of its folder in `corpus/`.
pub const TARGETS: &[(&str, Target)] = &[
    #[cfg(fuzzing)]
    ("address", doors::address),
    ("answers", answers::run),
    #[cfg(fuzzing)]
    ("body", doors::body),
    ("consent", consent::run),
    ("envelope", envelope::run),
    ("event", event::run),
    #[cfg(fuzzing)]
    ("events", doors::events),
    #[cfg(fuzzing)]
    ("header", doors::header),
    ("mapping", mapping::run),
    ("pass", pass::run),
    ("proxy", proxy::run),
    #[cfg(fuzzing)]
    ("reads", reads::run),
    ("redaction", redaction::run),
    ("text", text::run),
    #[cfg(fuzzing)]
    ("token", doors::token),
    ("url", urls::run),
    ("webhook", webhook::run),
];

/// Those of them whose way in is there only when all is built for fuzzing: it leads to what is private in the services, or answers in
/// a platform's place.
pub const BEHIND_DOORS: [&str; 6] = ["address", "body", "events", "header", "reads", "token"];

/// The target of that name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().find(|(known, _)| *known == name).map(|(_, target)| *target)
}

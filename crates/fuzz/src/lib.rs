//! Every parser of bytes that strangers send, made such that it takes any bytes at all. What drives it is `cargo xtask fuzz`, and
//! the test that gives it the corpus.

#![expect(
    clippy::expect_used,
    reason = "a promise that does not hold is to end the process: that is what is looked for"
)]

mod account;
mod answers;
mod consent;
#[cfg(fuzzing)]
mod doors;
mod envelope;
mod event;
mod letter;
mod mapping;
mod pass;
mod proxy;
#[cfg(fuzzing)]
mod reads;
mod redaction;
mod text;
mod urls;
mod webhook;

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

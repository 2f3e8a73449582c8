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
mod targets;
mod text;
mod urls;
mod webhook;

pub use targets::{BEHIND_DOORS, TARGETS, Target, target};

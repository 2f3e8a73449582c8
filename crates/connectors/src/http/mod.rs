//! Calling a platform: one shared client, its limits, and what an answer means in general. Each platform's own words are its connector's.

mod answer;
pub(crate) mod classify;
mod client;
mod document;
mod guard;
mod look;
mod measure;
mod raw;
mod renewal;
#[cfg(fuzzing)]
mod script;

pub use client::{Client, Reach, SetupError};
pub use guard::may_be_called;
pub use raw::RawAnswer;
pub use renewal::Renewal;
pub use reqwest::Method;
#[cfg(fuzzing)]
pub use script::{Given, Script};

pub(crate) use answer::Answer;
pub(crate) use client::Call;
pub(crate) use look::Look;

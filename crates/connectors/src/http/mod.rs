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

pub use client::{Client, Reach, SetupError};
pub use guard::may_be_called;
pub use raw::RawAnswer;
pub use renewal::Renewal;
pub use reqwest::Method;

pub(crate) use answer::Answer;
pub(crate) use client::Call;
pub(crate) use look::Look;

//! What a workflow in n8n may ask of us: to hear its report, and to call a platform for it. Both by a pass, for one write only.

mod callback;
mod create;
mod errand;
mod pass;
mod proxy;
mod report;

pub(crate) use callback::report_sync;
pub(crate) use proxy::call_platform;
#[cfg(fuzzing)]
pub(crate) use report::is_report;

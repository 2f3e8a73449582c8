//! `sync-dispatcher`: merges events, applies webhooks, brings links into step, reconciles. A library so that tests start it.

mod apply;
mod converge;
mod engine;
mod merge;
mod reconcile;
pub mod startup;
mod targets;

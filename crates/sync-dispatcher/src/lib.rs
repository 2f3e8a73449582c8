//! `sync-dispatcher`: merges events, applies webhooks, brings links into step, runs full syncs, reconciles. A library so that tests start it.

mod apply;
mod callback;
mod converge;
mod engine;
mod merge;
mod n8n;
mod reconcile;
mod runs;
pub mod schedule;
pub mod startup;
mod targets;

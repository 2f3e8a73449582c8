//! `sync-dispatcher`: merges events, applies webhooks, brings links into step, runs full syncs, reconciles. A library so that tests start it.

mod absences;
mod affairs;
mod amend;
mod apply;
pub mod backend;
mod beliefs;
mod breakers;
mod callback;
mod caretaker;
mod claims;
mod converge;
mod engine;
mod losses;
mod merge;
mod n8n;
mod reconcile;
mod redactors;
mod regions;
mod runs;
pub mod schedule;
pub mod startup;
mod suppressing;
mod targets;
mod telling;
mod told;
mod turns;
mod work;

//! The nouns and rules of convergence: records, links, mappings, events, messages. No I/O lives here.

pub mod access;
pub mod audit;
pub mod credentials;
pub mod duration;
pub mod event;
pub mod fault;
pub mod field;
pub mod id;
pub mod identity;
pub mod integration;
pub mod kind;
pub mod link;
pub mod mapping;
pub mod message;
pub mod outcome;
pub mod platform;
pub mod policy;
pub mod record;
pub mod redaction;
pub mod retry;
pub mod run;
pub mod schedule;
pub mod schema;
pub mod settings;
pub mod time;
pub mod trace;

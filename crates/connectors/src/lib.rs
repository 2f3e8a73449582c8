//! The platforms and what each can do, behind one contract. Nothing here knows a database, a broker or the vault.

pub mod account;
pub mod alert;
pub mod backend;
pub mod connector;
pub mod descriptor;
pub mod discovery;
pub mod error;
pub mod http;
mod hubspot;
mod mark;
mod names;
pub mod oauth;
mod pipedrive;
pub mod proxy;
pub mod registry;
mod salesforce;
mod shopify;
mod signature;
mod singly;
mod site;
pub mod subscriptions;
mod tree;
mod values;
pub mod webhook;
mod woocommerce;
pub mod workflow;
mod zendesk;

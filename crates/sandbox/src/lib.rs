//! Stand-ins for the platforms: what they answer, what they forget, how they fail. Nothing here is
//! shared with the product's own crates, so that an error in one cannot hide an error in the other.

mod accounts;
mod caller;
mod clock;
mod control;
mod desk;
mod fate;
mod faults;
mod hubspot;
mod journal;
mod limits;
mod oauth;
mod pages;
mod people;
mod pipedrive;
mod requests;
mod salesforce;
mod sender;
mod server;
mod settings;
mod shopify;
mod stand_in;
mod store;
mod tools;
mod woocommerce;
mod world;
mod zendesk;

pub use server::{Options, Running, StartError, start, wait_until_told_to_stop};

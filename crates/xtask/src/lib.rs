//! What developers and newcomers run: the whole system on one machine, its demo, its tests, its checks.
//!
//! A library, so that the crash and outage suites can drive [`crash`], [`session`], [`stack`] and [`services`].

mod bench;
mod browser;
pub mod ci;
pub mod cli;
mod cluster;
pub mod console;
mod contract;
pub mod crash;
mod demo;
mod fuzz;
pub mod home;
mod hosted;
mod http;
pub mod n8n;
pub mod people;
pub mod processes;
mod python;
mod secrets;
pub mod services;
pub mod session;
pub mod stack;
mod supply;
mod test;
mod tidy;
mod up;
mod upgrade;
mod workflows;
pub mod workspace;

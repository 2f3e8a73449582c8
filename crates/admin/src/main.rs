//! The operator's tool: a table of contents. What each command does is in the module of its name.

mod broker;
mod command;
mod data_key;
mod dead_letters;
mod erase;
mod key_ring;
mod migrate;
mod progress;
mod rotate;
mod status;
mod tenant;
mod token;

use std::io::Write;

use clap::Parser;

use crate::command::{Cli, Command};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let said = match Cli::parse().command {
        Command::Migrate(wish) => migrate::run(&wish).await?,
        Command::CreateTenant(wish) => tenant::create(&wish).await?,
        Command::IssueToken(wish) => token::issue(&wish)?,
        Command::NewKeyRing(wish) => key_ring::create(&wish)?,
        Command::RotateKeys(wish) => rotate::run(&wish).await?,
        Command::RotateDataKey(wish) => data_key::rotate(&wish).await?,
        Command::EraseTenant(wish) => erase::run(&wish).await?,
        Command::Status(wish) => status::show(&wish).await?,
        Command::DeadLetters(wish) => dead_letters::show(&wish).await?,
        Command::Replay(wish) => dead_letters::replay(&wish).await?,
        Command::Purge(wish) => dead_letters::purge(&wish).await?,
    };
    writeln!(std::io::stdout(), "{said}")?;
    Ok(())
}

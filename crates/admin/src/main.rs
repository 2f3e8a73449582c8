//! The operator's tool: a table of contents. What each command does is in the module of its name.

mod command;
mod data_key;
mod erase;
mod key_ring;
mod migrate;
mod progress;
mod rotate;
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
    };
    writeln!(std::io::stdout(), "{said}")?;
    Ok(())
}

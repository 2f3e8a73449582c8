//! `cargo xtask bench`: each figure beside the physical limit measured in the same run.

/// The arguments of `cargo xtask bench`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Print the figures as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Runs the benchmarks.
///
/// # Errors
/// Fails when the stack cannot be started or a figure cannot be measured.
pub(crate) fn run(_args: &Args) -> anyhow::Result<()> {
    anyhow::bail!("the benchmarks are not written yet")
}

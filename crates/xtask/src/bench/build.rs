//! Builds of everything that is measured, and of the load generator, which is this program.

use std::os::unix::process::CommandExt as _;

use crate::console::Console;
use crate::session::Service;
use crate::workspace;

/// Said to the release build of this program, and understood as "everything is built".
const NO_BUILD: &str = "--no-build";

/// Builds the services, the programs that show the limits, and this program, all as they are released or all for development.
///
/// # Errors
/// Fails when something does not compile; the compiler's words are on standard error.
pub(super) async fn everything(is_released: bool, console: &Console) -> anyhow::Result<()> {
    let (manner, profile) = if is_released { ("as it is released", "release") } else { ("for development", "dev") };
    let step = console.step(format!("build everything {manner} (the first time takes some minutes)"));
    let mut cargo = workspace::cargo();
    cargo.args(["build", "--quiet", "--profile", profile, "--bins"]);
    cargo.args(["raw_publish", "bare_handler", "log_rows", "page_data"].map(|name| format!("--example={name}")));
    for package in Service::ALL.map(Service::name).into_iter().chain(["admin", "messaging", "persistence", "xtask"]) {
        cargo.args(["--package", package]);
    }
    // Standard output is kept for results.
    workspace::run(cargo.stdout(std::process::Stdio::null())).await?;
    step.done();
    Ok(())
}

/// Goes on as the release build of this program: a load generator without optimisation would be what is measured.
///
/// # Errors
/// Returns only when that program cannot be executed.
pub(super) fn go_on_as_released() -> anyhow::Error {
    let target = match workspace::target() {
        Ok(target) => target,
        Err(error) => return error,
    };
    let program = target.join("release/xtask");
    let arguments = std::env::args_os().skip(1).filter(|word| word != NO_BUILD);
    let failure = std::process::Command::new(&program).args(arguments).arg(NO_BUILD).exec();
    anyhow::Error::new(failure).context(format!("{} cannot be executed: build it first", program.display()))
}

//! The `cargo xtask` command: a door to the library beside it.

fn main() -> std::process::ExitCode {
    xtask::cli::run()
}

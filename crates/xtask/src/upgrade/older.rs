//! The older version: which one, and its binaries, built in a worktree of their own.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio::process::Command;

use crate::console::Console;
use crate::session::Service;
use crate::workspace::{self, output, root};

/// The commit of the version that is wished for; else of the newest tag; where there is none, the one before the newest migration.
///
/// # Errors
/// When there is no such version, or no git.
pub(super) async fn find(wish: Option<&str>) -> anyhow::Result<String> {
    let revision = match wish {
        Some(wish) => wish.to_owned(),
        None => match git(&root(), &["describe", "--tags", "--abbrev=0"]).await {
            Ok(tag) => tag,
            Err(_without_tags) => before_the_newest_migration().await?,
        },
    };
    let commit = format!("{revision}^{{commit}}");
    git(&root(), &["rev-parse", "--verify", "--end-of-options", &commit]).await
}

async fn before_the_newest_migration() -> anyhow::Result<String> {
    let migrations = git(&root(), &["ls-tree", "--name-only", "HEAD", "migrations/"]).await?;
    let newest = migrations.lines().max().context("there are no migrations")?;
    let added = git(&root(), &["log", "-1", "--diff-filter=A", "--format=%H", "--", newest]).await?;
    anyhow::ensure!(!added.is_empty(), "nobody knows when {newest} came");
    Ok(format!("{added}^"))
}

/// Builds that commit's binaries beside ours; gives the folder that they are in.
///
/// # Errors
/// When it cannot be checked out, or does not compile.
pub(super) async fn build(commit: &str, console: &Console) -> anyhow::Result<PathBuf> {
    let step = console.step("build the older version (the first time takes some minutes)");
    let place = root().join(".dev/upgrade");
    let (tree, target) = (place.join("tree"), place.join("target"));
    check_out(&tree, commit).await?;
    let mut cargo = workspace::cargo();
    // Locked: of what that version was made of, and so without asking anybody for what is here already.
    cargo.current_dir(&tree).env("CARGO_TARGET_DIR", &target);
    cargo.args(["build", "--quiet", "--locked", "--package", "admin"]);
    for service in Service::ALL {
        cargo.args(["--package", service.name()]);
    }
    // Standard output is kept for results.
    workspace::run(cargo.stdout(std::process::Stdio::null())).await?;
    step.done();
    Ok(target.join("debug"))
}

/// The worktree stays for the next time: so does what is built from it.
async fn check_out(tree: &Path, commit: &str) -> anyhow::Result<()> {
    if tree.join("Cargo.toml").is_file() {
        git(tree, &["checkout", "--quiet", "--force", "--detach", commit]).await?;
        return Ok(());
    }
    // One whose folder was removed is still known by its name.
    git(&root(), &["worktree", "prune"]).await?;
    git(&root(), &["worktree", "add", "--force", "--detach", &tree.to_string_lossy(), commit]).await?;
    Ok(())
}

async fn git(folder: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    output(Command::new("git").args(arguments).current_dir(folder)).await
}

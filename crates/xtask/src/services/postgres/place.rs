//! Where a cluster's files are: in the system's folder, or where user `postgres` can reach them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::console::Console;
use crate::home::write_private;

/// The folder for the server's files: inside ours, or under /var/tmp where user `postgres` cannot enter ours.
pub(super) fn choose(folder: &Path, console: &Console) -> anyhow::Result<PathBuf> {
    if let Some(recorded) = recorded(folder) {
        return prepared(recorded);
    }
    let inside = folder.join("postgres");
    if !nix::unistd::geteuid().is_root() {
        return prepared(inside);
    }
    if reachable(folder)? {
        return prepared(inside);
    }
    let outside = outside(folder);
    console.note(&format!(
        "PostgreSQL's files are kept in {}: its user may not enter {}",
        outside.display(),
        folder.display()
    ));
    write_private(&folder.join("postgres.folder"), outside.to_string_lossy().as_bytes())?;
    prepared(outside)
}

fn recorded(folder: &Path) -> Option<PathBuf> {
    std::fs::read_to_string(folder.join("postgres.folder")).ok().map(|text| PathBuf::from(text.trim()))
}

/// The place outside that belongs to this folder and to no other.
fn outside(folder: &Path) -> PathBuf {
    let mut name = String::new();
    for letter in folder.to_string_lossy().chars() {
        match letter {
            '/' => name.push('-'),
            letter if letter.is_ascii_alphanumeric() => name.push(letter),
            letter => drop(write!(name, "_{:x}_", u32::from(letter))),
        }
    }
    PathBuf::from(format!("/var/tmp/coccinelle{name}-postgres"))
}

/// Where the folder's cluster is, if it has one.
pub(super) fn expected(folder: &Path) -> PathBuf {
    recorded(folder).unwrap_or_else(|| folder.join("postgres"))
}

/// Wherever the folder's cluster may be, also after the folder itself was removed and made anew.
pub(super) fn possible(folder: &Path) -> Vec<PathBuf> {
    let mut places: Vec<_> = recorded(folder).into_iter().chain([folder.join("postgres"), outside(folder)]).collect();
    places.dedup();
    places
}

fn prepared(home: PathBuf) -> anyhow::Result<PathBuf> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
    if nix::unistd::geteuid().is_root() {
        let user = server_user()?;
        let owner = std::fs::symlink_metadata(&home)?.uid();
        if owner != 0 && owner != user.uid.as_raw() {
            bail!("{} belongs to somebody else", home.display());
        }
        std::os::unix::fs::chown(&home, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
    }
    Ok(home)
}

/// Whether user `postgres` may pass through every folder on the way.
fn reachable(folder: &Path) -> anyhow::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let user = server_user()?;
    for step in folder.ancestors() {
        let meta = std::fs::metadata(step)?;
        let bit = if meta.uid() == user.uid.as_raw() {
            0o100
        } else if meta.gid() == user.gid.as_raw() {
            0o010
        } else {
            0o001
        };
        if meta.mode() & bit == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) fn server_user() -> anyhow::Result<nix::unistd::User> {
    nix::unistd::User::from_name("postgres")?.context("root needs a user `postgres` to run PostgreSQL as")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_folders_have_the_same_place_outside() {
        let folders = ["/root/a/b/.dev", "/root/a-b/.dev", "/root/a/b/-dev", "/root/a_2d_b/.dev", "/root/a/b/dev"];
        let places: std::collections::BTreeSet<_> = folders.iter().map(|folder| outside(Path::new(folder))).collect();
        assert_eq!(places.len(), folders.len(), "{places:?}");
    }
}

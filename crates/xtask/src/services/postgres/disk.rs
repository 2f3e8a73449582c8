//! A small disk in memory for a cluster's files, which can be filled. What the server makes of that is not known here.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio::process::Command;

use crate::workspace::output;

/// What the system says to who needs more room than there is.
const REFUSAL: &str = "No space left on device";

/// The disk, which is there until the cluster's files are removed.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    /// The server's log, which is elsewhere.
    log: PathBuf,
}

impl Disk {
    /// Mounts one on an empty folder, for the owner of another.
    pub(super) async fn mount(folder: PathBuf, log: PathBuf, megabytes: u32, like: &Metadata) -> anyhow::Result<Self> {
        let options = format!("size={megabytes}m,mode=0700,uid={},gid={}", like.uid(), like.gid());
        output(Command::new("mount").args(["-t", "tmpfs", "-o", &options, "coccinelle"]).arg(&folder)).await?;
        Ok(Self { folder, log })
    }

    /// Takes all the room that there is at present.
    ///
    /// # Errors
    /// Fails when the disk cannot be written to for another reason than that it is full.
    pub fn fill(&self) -> anyhow::Result<()> {
        let mut ballast = File::options().create(true).append(true).open(self.ballast())?;
        let piece = vec![0_u8; 1 << 16];
        loop {
            match ballast.write_all(&piece) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error).context("the disk cannot be filled"),
            }
        }
    }

    /// Gives back what [`Disk::fill`] took.
    ///
    /// # Errors
    /// Fails when it was not filled.
    pub fn free(&self) -> anyhow::Result<()> {
        std::fs::remove_file(self.ballast()).context("the disk was not filled")
    }

    /// Whether the server has been refused room.
    ///
    /// # Errors
    /// Fails when its log cannot be read.
    pub fn was_full(&self) -> anyhow::Result<bool> {
        let log = std::fs::read(&self.log).context("PostgreSQL has no log")?;
        Ok(String::from_utf8_lossy(&log).contains(REFUSAL))
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }
}

/// Takes away the disk that is mounted on the folder, if one is.
pub(super) async fn unmount(folder: &Path) -> anyhow::Result<()> {
    let device = |path: &Path| std::fs::metadata(path).ok().map(|meta| meta.dev());
    let is_mounted = folder.parent().is_some_and(|parent| folder.exists() && device(folder) != device(parent));
    if is_mounted {
        output(Command::new("umount").arg(folder)).await?;
    }
    Ok(())
}

/// Tries whether disks can be mounted here.
///
/// # Errors
/// Fails with what `mount` said.
pub async fn can_be_mounted() -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("xtask-disk-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let like = std::fs::metadata(&folder)?;
    let mounted = Disk::mount(folder.clone(), PathBuf::new(), 1, &like).await;
    unmount(&folder).await?;
    std::fs::remove_dir(&folder)?;
    mounted.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_disk_is_full_until_it_is_freed_and_is_gone_with_its_folder() {
        let home = std::env::temp_dir().join(format!("xtask-small-disk-{}", std::process::id()));
        let (folder, log) = (home.join("data"), home.join("log"));
        std::fs::create_dir_all(&folder).unwrap();
        let like = std::fs::metadata(&folder).unwrap();
        // Not everybody may mount.
        if let Ok(disk) = Disk::mount(folder.clone(), log.clone(), 1, &like).await {
            disk.fill().unwrap();
            let refused = std::fs::write(folder.join("row"), vec![0_u8; 1 << 16]).unwrap_err();
            std::fs::write(&log, "LOG:  ready").unwrap();
            assert!(!disk.was_full().unwrap());
            std::fs::write(&log, format!("PANIC:  could not write: {refused}")).unwrap();
            assert!(disk.was_full().unwrap());
            disk.free().unwrap();
            std::fs::write(folder.join("row"), vec![0_u8; 1 << 16]).unwrap();
            unmount(&folder).await.unwrap();
        }
        unmount(&folder).await.unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        std::fs::remove_dir_all(&home).unwrap();
    }
}

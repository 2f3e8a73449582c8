//! Every file of every folder of the corpus goes through every target, its own among them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

#[test]
fn every_target_has_its_folder_and_every_folder_its_target() {
    let folders = entries(&corpus());
    let folders: BTreeSet<&str> = folders.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    let targets = fuzz::TARGETS.iter().map(|(name, _)| *name).chain(fuzz::BEHIND_DOORS);
    assert_eq!(folders, targets.collect());
    assert!(fuzz::target("nobody's").is_none());
}

#[test]
fn whatever_is_in_the_corpus_breaks_no_promise_of_any_target() {
    for folder in entries(&corpus()) {
        let files = entries(&folder);
        assert!(!files.is_empty(), "{} has no file to begin with", folder.display());
        for file in files {
            let data = fs::read(&file).unwrap();
            for (_, target) in fuzz::TARGETS {
                target(data.as_slice());
            }
        }
    }
}

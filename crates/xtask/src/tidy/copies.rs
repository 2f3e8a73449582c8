//! Connectors that share code share it by name: what two folders hold alike, line by line, belongs in a module of both.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::scan::Source;
use super::tree::{File, Tree};

/// Where each connector has its folder.
const CONNECTORS: &str = "crates/connectors/src/";

/// Lines of one window.
const WINDOW: usize = 6;

/// How many of a hundred windows may stand in several folders: traits have signatures, which everybody writes alike.
const SHARE: usize = 2;

/// A window, and one place in each folder where it stands.
type Windows<'a> = BTreeMap<Vec<&'a str>, BTreeMap<&'a str, (&'a str, usize)>>;

/// Connectors' folders whose distinct windows of six lines are shared by more than two in a hundred.
///
/// A window is six lines in a row of one file in a folder of `crates/connectors/src`: lines as they are but for the blanks around
/// them, without those that are empty or only a comment, and without tests. One that stands in more than one folder is shared.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut windows = Windows::new();
    for file in tree.rust() {
        if let Some((folder, _)) = file.path.strip_prefix(CONNECTORS).and_then(|rest| rest.split_once('/')) {
            add(&mut windows, folder, file);
        }
    }
    let shared: Vec<_> = windows.values().filter(|places| places.len() > 1).collect();
    if shared.len() * 100 <= windows.len() * SHARE {
        return Vec::new();
    }
    let places: BTreeSet<String> = shared.iter().flat_map(|places| places.values().map(named)).collect();
    let some: Vec<&str> = places.iter().map(String::as_str).take(WINDOW).collect();
    let advice = format!(
        "{} of {} windows of {WINDOW} lines stand in several connectors' folders: name what they share and move it beside \
         them; some begin at {}",
        shared.len(),
        windows.len(),
        some.join(", ")
    );
    vec![Finding::of(CONNECTORS, advice)]
}

fn named((path, line): &(&str, usize)) -> String {
    format!("{path}:{line}")
}

fn add<'a>(windows: &mut Windows<'a>, folder: &'a str, file: &'a File) {
    let source = Source::new(&file.text, file.is_test());
    let is_code = |(_, line, is_test): &(usize, &str, bool)| !is_test && !line.trim().is_empty();
    let numbers: BTreeSet<usize> = source.lines().filter(is_code).map(|(number, ..)| number).collect();
    let lines = file.text.lines().enumerate().filter(|(number, _)| numbers.contains(number));
    let lines: Vec<(usize, &str)> = lines.map(|(number, line)| (number + 1, line.trim())).collect();
    for window in lines.windows(WINDOW) {
        let Some((first, _)) = window.first() else { continue };
        let text = window.iter().map(|(_, line)| *line).collect();
        windows.entry(text).or_default().entry(folder).or_insert((file.path.as_str(), *first));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(seed: &str, lines: usize) -> String {
        let body: String = (0..lines).map(|n| format!("    // why\n    {seed}_{n}();\n\n")).collect();
        format!("//! A part.\n\nfn a() {{\n{body}}}\n#[cfg(test)]\nmod tests {{\n    fn one() {{}}\n}}\n")
    }

    #[test]
    fn finds_what_two_connectors_hold_alike_and_leaves_out_what_one_repeats() {
        let (one, other) = (file("one", 40), file("other", 40));
        let apart = [("crates/connectors/src/a/read.rs", one.as_str()), ("crates/connectors/src/b/read.rs", &other)];
        assert_eq!(check(&Tree::of(&apart)), []);
        let twice = [("crates/connectors/src/a/read.rs", one.as_str()), ("crates/connectors/src/a/write.rs", &one)];
        assert_eq!(check(&Tree::of(&twice)), []);
        let beside = [("crates/connectors/src/a/read.rs", one.as_str()), ("crates/connectors/src/names.rs", &one)];
        assert_eq!(check(&Tree::of(&beside)), []);

        // Told apart by nothing but their blanks and comments.
        let copied = one.replace("    // why\n", "").replace("\n\n", "\n");
        let alike = [("crates/connectors/src/a/read.rs", one.as_str()), ("crates/connectors/src/b/find.rs", &copied)];
        let found: Vec<String> = check(&Tree::of(&alike)).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("37 of 37 windows") && found[0].contains("crates/connectors/src/a/read.rs:"));
    }
}

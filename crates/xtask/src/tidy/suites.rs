//! The rules for tests: they wait by condition, run side by side, sit in one binary a crate and read as sentences.

use super::Finding;
use super::scan::Source;
use super::tree::{File, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust().flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    // `testkit` is where the waiting itself is written.
    let may_sleep = file.crate_name() == Some("testkit");
    let source = Source::new(&file.text, file.is_test());
    let tests = source.lines().filter(|(_, _, test)| *test);
    let found = tests.filter_map(|(number, line, _)| Some((number, line_advice(line, may_sleep)?)));
    let mut findings: Vec<_> = found.map(|(number, advice)| Finding::at(&file.path, number + 1, advice)).collect();
    findings.extend(place(file));
    findings
}

fn line_advice(line: &str, may_sleep: bool) -> Option<&'static str> {
    if !may_sleep && line.contains("sleep(") {
        return Some("wait for the condition with `testkit::wait`, which has a deadline and says what it last saw");
    }
    if line.contains("#[serial") {
        return Some("give the test its own database or vhost (`testkit`) instead of running it alone");
    }
    if line.contains("fn test_") {
        return Some("name the test as a sentence (`rejects_a_replayed_delivery`), without `test_`");
    }
    if line.contains("#[ignore") {
        return Some("make the test run, or delete it: one that is never run proves nothing");
    }
    None
}

fn place(file: &File) -> Option<Finding> {
    let (_, below) = file.path.strip_prefix("crates/")?.split_once("/tests/")?;
    let is_root = !below.contains('/') || below.ends_with("/main.rs");
    let advice = "one integration binary a crate: move it below `tests/it/` and list it in `tests/it/main.rs`";
    (is_root && below != "it/main.rs" && !file.path.contains("/src/")).then(|| Finding::of(&file.path, advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn finds_a_test_that_sleeps() {
        let text = "async fn a() { sleep(SECOND).await; }\n#[cfg(test)]\nmod tests {\n    fn b() { sleep(x); }\n}\n";
        assert_eq!(findings("crates/a/src/b.rs", text).len(), 1);
        assert!(findings("crates/a/src/b.rs", text)[0].contains(":4: wait for the condition"));
        assert_eq!(findings("crates/a/tests/it/b.rs", text).len(), 2);
        assert_eq!(findings("crates/testkit/src/wait.rs", text).len(), 0);
    }

    #[test]
    fn finds_a_test_that_must_run_alone_or_never_runs() {
        assert_eq!(findings("crates/a/tests/it/b.rs", "#[serial]\nfn a() {}\n").len(), 1);
        assert_eq!(findings("crates/a/tests/it/b.rs", "#[ignore = \"later\"]\nfn a() {}\n").len(), 1);
    }

    #[test]
    fn finds_a_test_whose_name_is_no_sentence() {
        assert!(findings("crates/a/tests/it/b.rs", "fn test_a() {}\n")[0].contains("as a sentence"));
        assert_eq!(findings("crates/a/src/b.rs", "fn test_connection() {}\n").len(), 0);
    }

    #[test]
    fn finds_a_second_integration_binary() {
        assert_eq!(findings("crates/a/tests/b.rs", "").len(), 1);
        assert_eq!(findings("crates/a/tests/crash/main.rs", "").len(), 1);
        assert_eq!(findings("crates/a/tests/it/main.rs", "").len(), 0);
        assert_eq!(findings("crates/a/tests/it/b.rs", "").len(), 0);
    }
}

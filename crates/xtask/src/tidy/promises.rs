//! Rules and promises of the design: each has a test of its name, and the page that states them names those and no other.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::tree::Tree;

/// The page.
const PAGE: &str = "docs/reliability.md";

/// How the names of their tests begin, up to the number, and how many of them the design has.
const PREFIXES: [(&str, usize); 2] = [("rule_", 12), ("promise_", 4)];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(page) = tree.get(PAGE) else { return Vec::new() };
    let tests = tests(tree);
    let mut findings = Vec::new();
    for (number, line) in page.text.lines().enumerate() {
        for name in line.split('`').skip(1).step_by(2).filter(|word| is_name(word)) {
            if !tests.contains_key(name) {
                let advice = format!("no test is called `{name}`: correct the name, or write the test");
                findings.push(Finding::at(PAGE, number + 1, advice));
            }
        }
    }
    for (name, path) in &tests {
        if !page.text.contains(&format!("`{name}`")) {
            findings.push(Finding::of(path, format!("`{name}` proves a rule: name it in `{PAGE}`")));
        }
    }
    for (prefix, count) in PREFIXES {
        let proven: BTreeSet<_> = tests.keys().filter_map(|name| number(name, prefix)).collect();
        for missing in (1..=count).filter(|number| !proven.contains(number)) {
            let advice = format!("no test proves `{prefix}{missing}`: write one, and name it here");
            findings.push(Finding::of(PAGE, advice));
        }
    }
    findings
}

/// The tests that are named after a rule or a promise, and where they are. What merely is called so proves nothing.
fn tests(tree: &Tree) -> BTreeMap<&str, &str> {
    let mut tests = BTreeMap::new();
    for file in tree.rust() {
        let mut is_test = false;
        for line in file.text.lines().map(str::trim_start) {
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                is_test = true;
            } else if let Some((name, _)) = line.split_once("fn ").and_then(|(_, rest)| rest.split_once('(')) {
                if is_test && is_name(name) {
                    tests.insert(name, file.path.as_str());
                }
                is_test = false;
            }
        }
    }
    tests
}

/// `rule_` or `promise_`, a number, and a sentence.
fn is_name(word: &str) -> bool {
    PREFIXES.iter().any(|(prefix, _)| number(word, prefix).is_some())
}

/// The number of the rule or promise that a test of this name proves.
fn number(name: &str, prefix: &str) -> Option<usize> {
    let (number, sentence) = name.strip_prefix(prefix)?.split_once('_')?;
    number.parse().ok().filter(|_| !sentence.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A test of each name. Not written out, or this very file would hold tests of those names.
    fn code<'a>(names: impl IntoIterator<Item = &'a str>, attribute: &str) -> String {
        names.into_iter().map(|name| format!("{attribute}\n{} {name}() {{}}\n", "fn")).collect()
    }

    fn found(code: &str, page: &str) -> Vec<String> {
        let tree = Tree::of(&[("crates/a/src/lib.rs", code), (PAGE, page)]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    /// A test of every rule and promise.
    fn all() -> Vec<String> {
        let all = PREFIXES
            .into_iter()
            .flat_map(|(prefix, count)| (1..=count).map(move |number| format!("{prefix}{number:02}_is_kept")));
        all.collect()
    }

    fn page(names: &[String]) -> String {
        names.iter().map(|name| format!("`{name}`\n")).collect()
    }

    #[test]
    fn finds_a_test_that_the_page_does_not_name_and_a_name_that_no_test_has() {
        let all = all();
        let code =
            code(all.iter().map(String::as_str).chain(["promise_2_nothing_is_lost", "rule_of_thumb"]), "#[test]");
        let page = format!("`rule_02_all_is_better` and `rule_of_thumb`\n{}", page(&all));
        let found = found(&code, &page);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("docs/reliability.md:1: no test is called `rule_02_all_is_better`"), "{found:?}");
        assert!(found[1].starts_with("crates/a/src/lib.rs: `promise_2_nothing_is_lost` proves a rule"), "{found:?}");
    }

    #[test]
    fn finds_a_rule_and_a_promise_that_nobody_proves() {
        let mut some = all();
        let none = found(&code(some.iter().map(String::as_str), "#[tokio::test(flavor = \"x\")]"), &page(&some));
        assert!(none.is_empty(), "{none:?}");
        some.retain(|name| !name.starts_with("rule_07") && !name.starts_with("promise_04"));
        let found = found(&code(some.iter().map(String::as_str), "#[test]"), &page(&some));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("docs/reliability.md: no test proves `rule_7`"), "{found:?}");
        assert!(found[1].starts_with("docs/reliability.md: no test proves `promise_4`"), "{found:?}");
    }

    #[test]
    fn what_is_called_like_a_test_and_is_none_proves_nothing() {
        let all = all();
        let found = found(&code(all.iter().map(String::as_str), "/// No test."), &page(&all));
        // Of each, that the page names what is no test, and that nothing proves it.
        assert_eq!(found.len(), 2 * all.len(), "{found:?}");
    }
}

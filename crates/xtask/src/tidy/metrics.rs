//! Each metric that a program records has a row on the operator's page, and each row there is of one that is recorded.

use std::collections::BTreeSet;

use super::scan::{Source, line_of};
use super::tree::{File, Tree};
use super::{Finding, docs, strings};

const PAGE: &str = "docs/operations.md";

/// Below it stand the rows, up to the next heading.
const HEADING: &str = "\n## Metrics\n";

const RECORDING: [&str; 3] = ["counter!(", "gauge!(", "histogram!("];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(page) = tree.get(PAGE) else { return Vec::new() };
    let section = page.text.split_once(HEADING).and_then(|(_, rest)| rest.split("\n## ").next()).unwrap_or_default();
    let rows: BTreeSet<&str> = docs::keys(section).collect();
    let (mut recorded, mut findings) = (BTreeSet::new(), Vec::new());
    for file in tree.rust().filter(|file| file.is_operated()) {
        for (line, name) in names(tree, file) {
            let advice = match name {
                Some(name) if rows.contains(name.as_str()) => {
                    recorded.insert(name);
                    continue;
                }
                Some(name) => format!("give the metric `{name}` a row in {PAGE}: its sort and labels, what it tells"),
                None => "name the metric where it is recorded, by a string or a constant".to_owned(),
            };
            findings.push(Finding::at(&file.path, line, advice));
        }
    }
    let idle = rows.into_iter().filter(|row| !recorded.contains(*row));
    findings.extend(idle.map(|row| Finding::of(PAGE, format!("take `{row}` out: nobody records such a metric"))));
    findings
}

/// What a file records: the line and the name, where that can be read.
fn names(tree: &Tree, file: &File) -> Vec<(usize, Option<String>)> {
    let code = Source::new(&file.text, false).production(&file.text);
    let places = RECORDING.into_iter().flat_map(|word| code.match_indices(word));
    let name = |at: usize| strings::at(tree, file, code.get(at..)?)?.ok().map(str::to_owned);
    places.map(|(at, word)| (line_of(&code, at) + 1, name(at + word.len()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(code: &str, section: &str) -> Vec<String> {
        let page = format!(
            "# Operations\n\n| `elsewhere_total` | x |\n\n## Metrics\n\n{section}\n## Next\n\n| `next` | x |\n"
        );
        let tree = Tree::of(&[("crates/accounts/src/a.rs", code), (PAGE, &page)]);
        let mut found: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();
        found.sort();
        found
    }

    const ROWS: &str = "| metric | what |\n|---|---|\n| `rows_total` | how many |\n| `up` | whether |\n";

    #[test]
    fn is_content_where_code_and_page_agree() {
        let code = "const UP: &str = \"up\";\nfn a() {\n    metrics::counter!(\n        \"rows_total\",\n        \"log\" => \
                    log\n    );\n    gauge!(UP).set(1.0);\n}\n";
        assert_eq!(findings(code, ROWS), [""; 0]);
    }

    #[test]
    fn finds_a_metric_without_a_row_a_row_without_its_metric_and_a_name_that_cannot_be_read() {
        let code = "fn a() {\n    histogram!(\"wait_seconds\");\n    counter!(\"rows_total\");\n    gauge!(name);\n}\n";
        let found = findings(code, ROWS);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(
            found[0].starts_with("crates/accounts/src/a.rs:2: give the metric `wait_seconds` a row in "),
            "{found:?}"
        );
        assert!(found[1].starts_with("crates/accounts/src/a.rs:4: name the metric where "), "{found:?}");
        assert_eq!(found[2], "docs/operations.md: take `up` out: nobody records such a metric");
    }

    #[test]
    fn what_tests_record_is_theirs() {
        assert_eq!(findings("#[cfg(test)]\nmod tests { fn a() { counter!(\"mine\"); } }", ""), [""; 0]);
    }
}

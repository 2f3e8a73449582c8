//! What operators go by: every alert has its entry in the runbook and its trial, no entry lacks its alert, and what alerts and
//! dashboard count is counted.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::{File, Tree};

const RULES: &str = "deploy/prometheus/alerts.yml";
const RUNBOOK: &str = "docs/runbook.md";
const DASHBOARD: &str = "deploy/grafana/coccinelle.json";
const TRIALS: &str = "deploy/prometheus/alerts_test.yml";

/// How the names of our metrics begin; others are Prometheus' own.
const OURS: [&str; 9] =
    ["coccinelle_", "database_", "events_", "http_", "log_", "messaging_", "oauth_", "platform_request_", "webhook_"];

/// What Prometheus adds to the name of a histogram.
const PARTS: [&str; 3] = ["_bucket", "_count", "_sum"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let (Some(rules), Some(runbook)) = (tree.get(RULES), tree.get(RUNBOOK)) else { return Vec::new() };
    let alerts: BTreeSet<_> = rules.text.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let entries: BTreeSet<_> = runbook.text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let unexplained = alerts.difference(&entries).map(|alert| {
        Finding::of(RUNBOOK, format!("write the entry `## {alert}`: what it means, what to look at, what to do"))
    });
    let unfounded = entries.difference(&alerts).map(|entry| {
        Finding::of(RULES, format!("no alert is called `{entry}`, of which the runbook has an entry: add or remove it"))
    });
    let unlinked = alerts
        .iter()
        .filter(|alert| !rules.text.contains(&format!("runbook: docs/runbook.md#{}\n", alert.to_lowercase())));
    let unlinked = unlinked.map(|alert| Finding::of(RULES, format!("let `{alert}` link to its entry in the runbook")));
    let trials = tree.get(TRIALS);
    let untried = alerts.iter().filter(|alert| trials.is_none_or(|trials| !is_tried(trials, alert)));
    let untried = untried.map(|alert| Finding::of(TRIALS, format!("let the trouble come that `{alert}` is for")));
    unexplained.chain(unfounded).chain(unlinked).chain(untried).chain(uncounted(tree)).collect()
}

fn is_tried(trials: &File, alert: &str) -> bool {
    trials.text.contains(&format!("alertname=\"{alert}\""))
}

/// Metrics that are asked for and that nobody records.
fn uncounted(tree: &Tree) -> Vec<Finding> {
    let asked = [RULES, DASHBOARD].into_iter().filter_map(|path| tree.get(path));
    let asked = asked.flat_map(|file| {
        // Within an expression only: a title or a summary may speak of anything.
        let is_expression =
            |line: &&str| ["expr: ", "\"expr\": "].iter().any(|word| line.trim_start().starts_with(word));
        let expressions = file.text.lines().filter(is_expression);
        expressions.flat_map(names).map(move |name| (file.path.as_str(), name))
    });
    let missing = asked.filter(|(_, name)| !is_recorded(tree, name));
    let missing: BTreeSet<_> = missing.collect();
    let advice = |name: &str| format!("nobody records the metric `{name}`: correct the name, or record it");
    missing.into_iter().map(|(path, name)| Finding::of(path, advice(name))).collect()
}

fn names(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| OURS.iter().any(|beginning| word.starts_with(beginning)))
}

fn is_recorded(tree: &Tree, name: &str) -> bool {
    let whole = PARTS.iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name);
    let quoted = format!("\"{whole}\"");
    tree.rust().any(|file| !file.is_test() && file.text.contains(&quoted))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: (&str, &str) =
        ("crates/a/src/lib.rs", "counter!(\"http_requests_total\"); histogram!(\"log_batch_seconds\")");

    const TRIED: &str = "- { labels: '{alertname=\"A\"}', value: 1 }\n- { labels: '{alertname=\"B\"}', value: 1 }\n";

    fn rule(alert: &str, expr: &str) -> String {
        format!("- alert: {alert}\n  expr: {expr}\n  runbook: docs/runbook.md#{}\n", alert.to_lowercase())
    }

    fn findings(rules: &str, runbook: &str) -> Vec<String> {
        let tree = Tree::of(&[CODE, (RULES, rules), (RUNBOOK, runbook), (TRIALS, TRIED)]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn is_content_where_alerts_entries_and_metrics_agree() {
        let rules = rule("A", "http_requests_total > 1") + &rule("B", "rate(log_batch_seconds_bucket[5m]) > up");
        assert_eq!(findings(&rules, "# Runbook\n\n## A\n\n## B\n"), Vec::<String>::new());
    }

    #[test]
    fn finds_an_alert_that_was_never_tried() {
        let (rules, runbook) = (rule("A", "up") + &rule("B", "up"), "## A\n\n## B\n");
        let found = |tree: &Tree| check(tree).iter().map(ToString::to_string).collect::<Vec<_>>();
        let untried = |alert: &str| format!("{TRIALS}: let the trouble come that `{alert}` is for");
        let trials = "- { labels: '{alertname=\"A\"}', value: 1 }\n";
        let tree = Tree::of(&[(RULES, &rules), (RUNBOOK, runbook), (TRIALS, trials)]);
        assert_eq!(found(&tree), [untried("B")]);
        let tree = Tree::of(&[(RULES, &rules), (RUNBOOK, runbook)]);
        assert_eq!(found(&tree), [untried("A"), untried("B")]);
    }

    #[test]
    fn finds_alerts_without_entries_entries_without_alerts_and_metrics_without_records() {
        let found = findings(&rule("A", "http_answers_total > 1"), "## B\n");
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found.iter().any(|finding| finding.contains("`http_answers_total`")), "{found:?}");
    }
}

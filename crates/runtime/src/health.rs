//! Whether a service can keep its promise now, part by part. How a part is probed is its owner's knowledge.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde::Serialize;

/// A part that has not answered by then counts as down.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

type Probe = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;

/// How many of the parts are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// One is enough: for what only accepts, since either the broker or the inbox keeps it.
    Any,
    /// Every one: for what works.
    All,
}

/// One part on which a service depends.
#[derive(Clone)]
pub struct Part {
    name: &'static str,
    probe: Probe,
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Part").field(&self.name).finish()
    }
}

/// Whether a part answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It does.
    Up,
    /// It does not.
    Down,
}

/// The body of `/readyz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether the promise can be kept.
    pub ready: bool,
    /// How many of the parts are needed for that.
    pub needs: Rule,
    /// Each part.
    pub parts: BTreeMap<&'static str, State>,
    /// Those that are down.
    pub missing: Vec<&'static str>,
    /// Whether the process was told to stop; it is not ready then, though it still answers.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub leaving: bool,
}

/// What `/readyz` asks.
#[derive(Clone, Debug)]
pub struct Readiness {
    rule: Rule,
    parts: Vec<Part>,
}

impl Readiness {
    /// A service without parts is ready under [`Rule::All`] and never under [`Rule::Any`].
    #[must_use]
    pub fn new(rule: Rule) -> Self {
        Self { rule, parts: Vec::new() }
    }

    /// Adds a part; `probe` says whether it is up, and is asked anew each time.
    #[must_use]
    pub fn part<F, P>(mut self, name: &'static str, probe: F) -> Self
    where
        F: Fn() -> P + Send + Sync + 'static,
        P: Future<Output = bool> + Send + 'static,
    {
        self.parts.push(Part { name, probe: Arc::new(move || Box::pin(probe())) });
        self
    }

    /// Asks all parts at once.
    pub async fn check(&self) -> Report {
        self.check_within(PROBE_TIMEOUT).await
    }

    async fn check_within(&self, limit: Duration) -> Report {
        let probes = self.parts.iter().map(|part| async move {
            let up = tokio::time::timeout(limit, (part.probe)()).await.unwrap_or(false);
            (part.name, if up { State::Up } else { State::Down })
        });
        let parts: BTreeMap<_, _> = join_all(probes).await.into_iter().collect();
        let missing: Vec<_> = parts.iter().filter(|(_, state)| **state == State::Down).map(|(name, _)| *name).collect();
        let ready = match self.rule {
            Rule::Any => missing.len() < parts.len(),
            Rule::All => missing.is_empty(),
        };
        Report { ready, needs: self.rule, parts, missing, leaving: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readiness(rule: Rule, broker: bool, database: bool) -> Readiness {
        Readiness::new(rule)
            .part("broker", move || async move { broker })
            .part("database", move || async move { database })
    }

    #[tokio::test]
    async fn what_accepts_needs_one_part_and_what_works_needs_all() {
        for (broker, database) in [(false, false), (false, true), (true, false), (true, true)] {
            assert_eq!(readiness(Rule::Any, broker, database).check().await.ready, broker || database);
            assert_eq!(readiness(Rule::All, broker, database).check().await.ready, broker && database);
        }
    }

    #[tokio::test]
    async fn names_what_is_missing_even_when_ready() {
        let report = readiness(Rule::Any, true, false).check().await;
        assert_eq!(
            serde_json::to_value(report).unwrap(),
            serde_json::json!({
                "ready": true, "needs": "any", "parts": {"broker": "up", "database": "down"}, "missing": ["database"]
            })
        );
    }

    #[tokio::test]
    async fn a_part_that_hangs_is_down() {
        let hanging = Readiness::new(Rule::All).part("broker", std::future::pending);
        assert_eq!(hanging.check_within(Duration::from_millis(1)).await.missing, ["broker"]);
    }
}

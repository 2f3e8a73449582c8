//! Who may depend on whom: edges go down only, siblings do not know each other, each library has its home.

use cargo_metadata::{DependencyKind, Package};

use super::Finding;

/// One crate of the workspace and what it takes in, outside and inside its tests.
#[derive(Debug)]
pub(super) struct Crate {
    name: String,
    uses: Vec<String>,
    uses_in_tests: Vec<String>,
}

impl From<&Package> for Crate {
    fn from(package: &Package) -> Self {
        let (tests, uses): (Vec<_>, Vec<_>) =
            package.dependencies.iter().partition(|dependency| dependency.kind == DependencyKind::Development);
        let names =
            |list: Vec<&cargo_metadata::Dependency>| list.iter().map(|dependency| dependency.name.clone()).collect();
        Self { name: package.name.to_string(), uses: names(uses), uses_in_tests: names(tests) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    /// Nouns and rules, no I/O.
    Domain,
    /// One way to the outside each.
    Sibling,
    /// What several binaries do with the siblings.
    Shared,
    /// What runs.
    Binary,
    /// Stand-ins for the platforms: sharing code with what they test, they would share its mistakes.
    StandIn,
    /// What tests need; depending on us, a crate's own tests would see two copies of it.
    TestKit,
    /// What gives any bytes to the parsers of all the others.
    Fuzz,
    /// What developers run.
    Tasks,
}

/// Every crate has its layer here, and nowhere else.
const LAYERS: [(&str, Layer); 17] = [
    ("domain", Layer::Domain),
    ("connectors", Layer::Sibling),
    ("messaging", Layer::Sibling),
    ("persistence", Layer::Sibling),
    ("runtime", Layer::Sibling),
    ("vault", Layer::Sibling),
    ("accounts", Layer::Shared),
    ("backing", Layer::Shared),
    ("admin", Layer::Binary),
    ("api-gateway", Layer::Binary),
    ("log-writer", Layer::Binary),
    ("sync-dispatcher", Layer::Binary),
    ("webhook-ingest", Layer::Binary),
    ("sandbox", Layer::StandIn),
    ("testkit", Layer::TestKit),
    ("fuzz", Layer::Fuzz),
    ("xtask", Layer::Tasks),
];

/// Libraries that only some crates may take in outside their tests, and what the others should do.
const HOMES: [(&[&str], &[&str], &str); 6] = [
    (&["diesel", "diesel-async", "diesel_migrations"], &["persistence", "testkit"], "ask `persistence` for a function"),
    (&["lapin"], &["messaging", "testkit", "xtask"], "publish and consume through `messaging`"),
    // `xtask` signs deliveries as a platform does, to measure what checks them.
    (
        &["ring"],
        &["connectors", "sandbox", "vault", "xtask"],
        "seal through `vault`, check signatures through a connector",
    ),
    (&["jsonwebtoken"], &["admin", "api-gateway"], "only the gateway reads tokens, only admin issues them"),
    (
        &["actix-web"],
        &["api-gateway", "runtime", "sandbox", "webhook-ingest", "xtask"],
        "serve health and metrics through `runtime::http`",
    ),
    (
        &["anyhow"],
        &["admin", "api-gateway", "log-writer", "sandbox", "sync-dispatcher", "testkit", "webhook-ingest", "xtask"],
        "a library's callers need to know the class: give it one `thiserror` enum that implements `Fault`",
    ),
];

impl Layer {
    fn of(name: &str) -> Option<Self> {
        LAYERS.iter().find(|(known, _)| *known == name).map(|(_, layer)| *layer)
    }

    fn may_use(self, other: Self) -> bool {
        match self {
            Self::Domain | Self::StandIn | Self::TestKit | Self::Tasks => false,
            Self::Sibling => other == Self::Domain,
            Self::Shared => matches!(other, Self::Domain | Self::Sibling),
            Self::Binary => matches!(other, Self::Domain | Self::Sibling | Self::Shared),
            Self::Fuzz => matches!(other, Self::Domain | Self::Sibling | Self::Shared | Self::Binary),
        }
    }

    fn may_use_in_tests(self, other: Self) -> bool {
        self.may_use(other) || matches!(other, Self::TestKit | Self::StandIn)
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Domain => "the domain depends on none of ours: the noun belongs here, or the work does not",
            Self::Sibling => {
                "siblings do not know each other: a shared noun goes to `domain`, an orchestration to the binary"
            }
            Self::Shared => "what binaries share knows siblings and the domain, never a binary",
            Self::Binary => "binaries talk by queue and table only: move what both need down a layer",
            Self::StandIn => "a stand-in that shares our code shares our mistakes: write the platform's side by itself",
            Self::TestKit => {
                "`testkit` knows none of our crates, or their own tests would see two copies of themselves"
            }
            Self::Fuzz => "`fuzz` asks what is ours and no stand-in for others",
            Self::Tasks => "`xtask` drives the built programs and imports none of them",
        }
    }
}

pub(super) fn check(crates: &[Crate]) -> Vec<Finding> {
    crates.iter().flat_map(check_crate).collect()
}

fn check_crate(this: &Crate) -> Vec<Finding> {
    let manifest = format!("crates/{}/Cargo.toml", this.name);
    let Some(layer) = Layer::of(&this.name) else {
        let advice = "give the crate its layer in `crates/xtask/src/tidy/layers.rs`";
        return vec![Finding::of(&manifest, advice)];
    };
    let up = this.uses.iter().filter(|name| Layer::of(name).is_some_and(|other| !layer.may_use(other)));
    let up_in_tests =
        this.uses_in_tests.iter().filter(|name| Layer::of(name).is_some_and(|other| !layer.may_use_in_tests(other)));
    let edges = up.chain(up_in_tests).map(|name| format!("must not depend on `{name}`: {}", layer.remedy()));
    let strangers = this.uses.iter().filter_map(|name| {
        let (_, homes, remedy) = HOMES.iter().find(|(libraries, ..)| libraries.contains(&name.as_str()))?;
        let at_home = homes.contains(&this.name.as_str());
        (!at_home).then(|| format!("`{name}` lives in {} only: {remedy}", homes.join(", ")))
    });
    edges.chain(strangers).map(|advice| Finding::of(&manifest, advice)).collect()
}

#[cfg(test)]
impl Crate {
    /// A crate that takes these in outside its tests.
    pub(super) fn new(name: &str, uses: &[&str]) -> Self {
        let uses = uses.iter().map(|&name| name.to_owned()).collect();
        Self { name: name.to_owned(), uses, uses_in_tests: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, uses: &[&str]) -> Vec<String> {
        check(&[Crate::new(name, uses)]).iter().map(ToString::to_string).collect()
    }

    fn found_in_tests(name: &str, uses: &str) -> usize {
        let uses_in_tests = vec![uses.to_owned()];
        check(&[Crate { name: name.to_owned(), uses: Vec::new(), uses_in_tests }]).len()
    }

    #[test]
    fn allows_what_goes_down() {
        assert_eq!(found("persistence", &["domain", "diesel"]), Vec::<String>::new());
        assert_eq!(found("accounts", &["domain", "vault", "connectors"]), Vec::<String>::new());
        assert_eq!(found("api-gateway", &["domain", "messaging", "accounts", "actix-web"]), Vec::<String>::new());
    }

    #[test]
    fn finds_siblings_that_know_each_other() {
        assert!(found("connectors", &["persistence"])[0].contains("siblings do not know each other"));
    }

    #[test]
    fn finds_a_domain_that_looks_up() {
        assert_eq!(found("domain", &["runtime"]).len(), 1);
    }

    #[test]
    fn finds_binaries_that_import_each_other() {
        assert!(found("api-gateway", &["sync-dispatcher"])[0].contains("by queue and table only"));
        assert_eq!(found("accounts", &["api-gateway"]).len(), 1);
    }

    #[test]
    fn finds_stand_ins_and_test_kits_that_know_us() {
        assert_eq!(found("sandbox", &["connectors"]).len(), 1);
        assert_eq!(found("testkit", &["domain"]).len(), 1);
        assert_eq!(found("xtask", &["persistence"]).len(), 1);
    }

    #[test]
    fn what_fuzzes_may_take_in_all_that_is_ours_and_nobody_takes_it_in() {
        assert_eq!(found("fuzz", &["domain", "connectors", "accounts", "api-gateway"]), Vec::<String>::new());
        assert_eq!(found("fuzz", &["sandbox"]).len(), 1);
        assert_eq!(found("api-gateway", &["fuzz"]).len() + found("xtask", &["fuzz"]).len(), 2);
    }

    #[test]
    fn tests_may_take_in_the_kit_and_the_stand_ins_and_no_more() {
        assert_eq!(found_in_tests("webhook-ingest", "testkit"), 0);
        assert_eq!(found_in_tests("connectors", "sandbox"), 0);
        assert_eq!(found_in_tests("api-gateway", "sync-dispatcher"), 1);
        assert_eq!(found("api-gateway", &["testkit"]).len(), 1);
    }

    #[test]
    fn finds_libraries_away_from_home() {
        for (library, home) in [
            ("diesel", "persistence"),
            ("lapin", "messaging"),
            ("ring", "vault"),
            ("jsonwebtoken", "admin"),
            ("actix-web", "runtime"),
        ] {
            assert!(found("log-writer", &[library])[0].contains(home), "{library}");
            assert_eq!(found(home, &[library]), Vec::<String>::new());
        }
        assert!(found("vault", &["anyhow"])[0].contains("`thiserror`"));
    }

    #[test]
    fn finds_a_crate_without_a_layer() {
        assert!(found("surprise", &[])[0].contains("give the crate its layer"));
    }
}

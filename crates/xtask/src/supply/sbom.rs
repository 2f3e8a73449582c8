//! The bill of materials: every crate that goes into the programs, as CycloneDX. Neither a time nor a serial number is in it, so that
//! the same tree gives the same document.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Node, NodeDep, Package, PackageId};
use serde_json::{Value, json};

use crate::workspace::root;

/// The programs of the image.
const PROGRAMS: [&str; 6] = ["admin", "api-gateway", "log-writer", "sandbox", "sync-dispatcher", "webhook-ingest"];

/// What they are built for, as in `deny.toml`.
const BUILT_FOR: [&str; 2] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

/// The checksums of the lock file, by name and version.
type Checksums<'a> = BTreeMap<(&'a str, &'a str), &'a str>;

/// The document of this checkout.
///
/// Features are those of the whole workspace, so it may name more than a program holds, and never less.
///
/// # Errors
/// Where cargo cannot say what there is, or the lock file lacks it.
pub(super) fn make() -> anyhow::Result<Value> {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).context("Cargo.lock cannot be read")?;
    let mut options = vec!["--locked".to_owned()];
    for platform in BUILT_FOR {
        options.extend(["--filter-platform".to_owned(), platform.to_owned()]);
    }
    let mut command = MetadataCommand::new();
    let metadata = command.manifest_path(root().join("Cargo.toml")).other_options(options).exec();
    document(&metadata.context("cargo metadata failed")?, &lock)
}

fn document(metadata: &Metadata, lock: &str) -> anyhow::Result<Value> {
    let resolve = metadata.resolve.as_ref().context("cargo has not resolved the dependencies")?;
    let nodes: BTreeMap<&PackageId, &Node> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let programs = metadata.packages.iter().filter(|package| is_program(package)).map(|package| &package.id);
    let reached = reached(&nodes, programs.collect());
    let mut packages: Vec<&Package> = metadata.packages.iter().filter(|one| reached.contains(&one.id)).collect();
    packages.sort_by(|a, b| (a.name.as_str(), &a.version).cmp(&(b.name.as_str(), &b.version)));
    let names: BTreeMap<&PackageId, String> = packages.iter().map(|one| (&one.id, reference(one))).collect();
    let checksums = checksums(lock);
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    for package in &packages {
        let name = reference(package);
        components.push(component(package, &name, &checksums)?);
        let needed = nodes.get(&package.id).copied().into_iter().flat_map(needs);
        let needed: BTreeSet<&String> = needed.filter_map(|id| names.get(id)).collect();
        dependencies.push(json!({ "ref": name, "dependsOn": needed }));
    }
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": { "type": "application", "bom-ref": "coccinelle", "name": "coccinelle-integrations" } },
        "components": components,
        "dependencies": dependencies,
    }))
}

fn is_program(package: &Package) -> bool {
    package.source.is_none() && PROGRAMS.contains(&package.name.as_str())
}

/// All that these need, and they themselves.
fn reached<'a>(nodes: &BTreeMap<&'a PackageId, &'a Node>, from: Vec<&'a PackageId>) -> BTreeSet<&'a PackageId> {
    let mut reached = BTreeSet::new();
    let mut waiting = from;
    while let Some(id) = waiting.pop() {
        if reached.insert(id)
            && let Some(node) = nodes.get(id).copied()
        {
            waiting.extend(needs(node));
        }
    }
    reached
}

/// What a package needs to be built; what only its tests need is no part of a program.
fn needs(node: &Node) -> impl Iterator<Item = &PackageId> {
    let built = |needed: &&NodeDep| needed.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development);
    node.deps.iter().filter(built).map(|needed| &needed.pkg)
}

/// What the package is called all over the world; ours only here.
fn reference(package: &Package) -> String {
    // A `+` means a space in such a name.
    let version = package.version.to_string().replace('+', "%2B");
    let place = if package.source.is_some() { "pkg:cargo/" } else { "" };
    format!("{place}{}@{version}", package.name)
}

fn component(package: &Package, reference: &str, checksums: &Checksums<'_>) -> anyhow::Result<Value> {
    let version = package.version.to_string();
    let kind = if is_program(package) { "application" } else { "library" };
    // Older manifests write the alternative with a slash, which the language of licences does not know.
    let alternatives = |license: &String| license.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ");
    let license = package.license.as_ref().map(|license| json!([{ "expression": alternatives(license) }]));
    let mut members = vec![
        ("type", json!(kind)),
        ("bom-ref", json!(reference)),
        ("name", json!(package.name.as_str())),
        ("version", json!(version)),
    ];
    members.extend(license.map(|license| ("licenses", license)));
    if package.source.is_some() {
        let checksum = checksums.get(&(package.name.as_str(), version.as_str()));
        let checksum = checksum.with_context(|| format!("Cargo.lock has no checksum of {reference}"))?;
        members.push(("purl", json!(reference)));
        members.push(("hashes", json!([{ "alg": "SHA-256", "content": checksum }])));
    }
    let repository = package.repository.as_ref();
    members.extend(repository.map(|url| ("externalReferences", json!([{ "type": "vcs", "url": url }]))));
    Ok(members.into_iter().collect())
}

/// Reads the lock file, whose form cargo does not change within a version of it.
fn checksums(lock: &str) -> Checksums<'_> {
    let packages = lock.split("[[package]]").skip(1).filter_map(|package| {
        let name = member(package, "name")?;
        Some(((name, member(package, "version")?), member(package, "checksum")?))
    });
    packages.collect()
}

fn member<'a>(package: &'a str, name: &str) -> Option<&'a str> {
    package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_checksums_of_a_lock_file() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"x\"\nchecksum = \"ab\"\n\n\
            [[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n";
        assert_eq!(checksums(lock).into_iter().collect::<Vec<_>>(), [(("a", "1.0.0"), "ab")]);
    }

    #[test]
    fn lists_what_the_programs_are_made_of_and_nothing_else_and_says_the_same_twice() {
        let document = make().unwrap();
        assert_eq!(document, make().unwrap());
        let components = document["components"].as_array().unwrap();
        let named = |name: &str| components.iter().find(|component| component["name"] == name);
        for program in PROGRAMS {
            assert_eq!(named(program).unwrap()["type"], "application", "{program}");
        }
        let actix = named("actix-web").unwrap();
        assert_eq!(actix["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(actix["hashes"][0]["content"].as_str().unwrap().len(), 64);
        assert!(actix["purl"].as_str().unwrap().starts_with("pkg:cargo/actix-web@"));
        assert!(named("proptest").is_none() && named("testkit").is_none() && named("xtask").is_none());
        let needs = document["dependencies"].as_array().unwrap();
        let gateway = needs.iter().find(|needs| needs["ref"].as_str().unwrap().starts_with("api-gateway@")).unwrap();
        assert!(gateway["dependsOn"].as_array().unwrap().contains(&actix["bom-ref"]));
    }

    #[test]
    fn the_programs_are_those_of_the_image() {
        let dockerfile = std::fs::read_to_string(root().join("deploy/Dockerfile")).unwrap();
        let words: Vec<&str> = dockerfile.split_whitespace().collect();
        let named = words.windows(2).filter(|pair| pair[0] == "--package").map(|pair| pair[1]);
        assert_eq!(named.collect::<BTreeSet<_>>(), BTreeSet::from(PROGRAMS));
    }
}

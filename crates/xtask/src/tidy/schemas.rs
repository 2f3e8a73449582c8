//! The names of the API's schemas: the document keeps one schema a name, so that of two types with one name, one is lost.

use std::collections::BTreeMap;

use super::Finding;
use super::scan::Source;
use super::tree::{File, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut claims: BTreeMap<String, Vec<(&str, usize)>> = BTreeMap::new();
    for file in tree.rust() {
        for (name, line) in claimed(file) {
            claims.entry(name).or_default().push((&file.path, line));
        }
    }
    let clashes = claims.iter().filter(|(_, claims)| claims.len() > 1);
    let findings = clashes.flat_map(|(name, claims)| {
        claims.iter().map(move |(path, line)| {
            let advice = format!(
                "another type is the schema `{name}` in the API's document too: give one of them a name of its own, \
                 or `#[schema(as = …)]`"
            );
            Finding::at(path, *line, advice)
        })
    });
    findings.collect()
}

/// The names that a file's types have in the document, each with the line of its type, counted from 1.
fn claimed(file: &File) -> Vec<(String, usize)> {
    let source = Source::new(&file.text, file.is_test());
    let (mut claims, mut derives, mut renamed) = (Vec::new(), false, None);
    for (number, line, test) in source.lines() {
        let line = line.trim();
        if test {
            continue;
        }
        derives |= line.starts_with("#[derive(") && line.contains("ToSchema");
        if let Some((_, rest)) = line.split_once("schema(as = ").filter(|_| line.starts_with("#[")) {
            renamed = Some(first_name(rest));
        }
        let Some(name) = declared(line) else { continue };
        if std::mem::take(&mut derives) {
            claims.push((renamed.take().unwrap_or(name), number + 1));
        }
        renamed = None;
    }
    claims
}

/// The name of the type that a line begins.
fn declared(line: &str) -> Option<String> {
    let mut words = line.split_whitespace().skip_while(|word| word.starts_with("pub"));
    matches!(words.next()?, "struct" | "enum").then(|| first_name(words.next().unwrap_or_default()))
}

fn first_name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(other: &str) -> Vec<String> {
        let one =
            "#[derive(Debug, ToSchema)]\n#[serde(rename_all = \"snake_case\")]\npub(crate) struct Delivery {\n}\n";
        let tree = Tree::of(&[("crates/a/src/one.rs", one), ("crates/b/src/other.rs", other)]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn finds_two_types_of_one_name_wherever_they_are() {
        let found = findings("\n#[derive(Clone, utoipa::ToSchema)]\nenum Delivery {}\n");
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("crates/a/src/one.rs:3: another type is the schema `Delivery`"), "{found:?}");
        assert!(found[1].starts_with("crates/b/src/other.rs:3: "), "{found:?}");
        assert_eq!(findings("#[derive(ToSchema)]\n#[schema(as = Delivery, title = \"x\")]\nstruct Sent;\n").len(), 2);
    }

    #[test]
    fn a_name_of_its_own_and_a_type_that_is_no_schema_are_in_order() {
        assert_eq!(findings("#[derive(ToSchema)]\n#[schema(as = Sent)]\nstruct Delivery;\n").len(), 0);
        assert_eq!(findings("#[derive(Debug)]\nstruct Delivery;\n#[derive(ToSchema)]\nstruct Other<T> {}\n").len(), 0);
        assert_eq!(findings("#[cfg(test)]\nmod tests {\n    #[derive(ToSchema)]\n    struct Delivery;\n}\n").len(), 0);
    }
}

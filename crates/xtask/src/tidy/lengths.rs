//! How long files and functions may be. What is past a limit has usually taken in a second topic.

use super::Finding;
use super::scan::Source;
use super::tree::{File, Tree};

/// Lines of a file outside its tests.
const FILE: usize = 400;
/// Lines of a file that holds nothing but tests.
const TEST_FILE: usize = 800;
/// Lines of code of a function outside tests.
const FUNCTION: usize = 60;
/// A library's root lists what there is.
const LIB: usize = 60;
/// A binary's root is a table of contents.
const MAIN: usize = 50;
/// Lines with which a file takes in the names of others.
const USES: usize = 18;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust().flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    if file.is_test() {
        let lines = file.text.lines().count();
        let too_long = lines > TEST_FILE;
        let advice =
            format!("{lines} lines of tests, {TEST_FILE} at most: make it a folder, or write the missing fixture");
        return too_long.then(|| Finding::of(&file.path, advice)).into_iter().collect();
    }
    let source = Source::new(&file.text, false);
    let mut findings = Vec::new();
    findings.extend(file_length(file, &source));
    findings.extend(imports(file, &source));
    findings.extend(source.functions().into_iter().filter_map(|function| {
        let lines = source.code_lines(&function.lines);
        let advice =
            format!("`{}` has {lines} lines of code, {FUNCTION} at most: extract the named step", function.name);
        (lines > FUNCTION).then(|| Finding::at(&file.path, function.lines.start() + 1, advice))
    }));
    findings
}

fn file_length(file: &File, source: &Source) -> Option<Finding> {
    let (limit, remedy) = match file.path.rsplit_once("/src/").map_or("", |(_, rest)| rest) {
        // Written by `diesel print-schema`: as long as there are tables.
        "schema.rs" => return None,
        "lib.rs" => (LIB, "a root lists what there is; move the rest into a module"),
        "main.rs" => (MAIN, "a `main` is a table of contents; move the steps into modules"),
        _ => (FILE, "a second topic has moved in; split by noun"),
    };
    let lines = source.production_lines();
    let advice = format!("{lines} lines outside tests, {limit} at most: {remedy}");
    (lines > limit).then(|| Finding::of(&file.path, advice))
}

fn imports(file: &File, source: &Source) -> Option<Finding> {
    let uses = source.lines().filter(|(_, line, test)| !test && line.starts_with("use ")).count();
    let advice = format!("{uses} `use` lines, {USES} at most: it coordinates too much; split it");
    (uses > USES).then(|| Finding::of(&file.path, advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn finds_a_file_that_is_too_long_and_spares_its_tests() {
        let production = "const A: u8 = 0;\n".repeat(FILE);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "    const B: u8 = 0;\n".repeat(300));
        assert_eq!(findings("crates/a/src/b.rs", &format!("{production}{tests}")), Vec::<String>::new());
        let found = findings("crates/a/src/b.rs", &format!("{production}const C: u8 = 0;\n{tests}"));
        assert!(found[0].contains("401 lines outside tests") && found[0].contains("split by noun"), "{found:?}");
    }

    #[test]
    fn finds_roots_that_do_instead_of_listing() {
        let text = "mod a;\n".repeat(LIB + 1);
        assert_eq!(findings("crates/a/src/lib.rs", &text).len(), 1);
        assert_eq!(findings("crates/a/src/main.rs", &text).len(), 1);
        assert_eq!(findings("crates/a/src/schema.rs", &"mod a;\n".repeat(2_000)).len(), 0);
    }

    #[test]
    fn finds_a_test_file_that_is_too_long() {
        assert_eq!(findings("crates/a/tests/it/b.rs", &"\n".repeat(TEST_FILE + 1)).len(), 1);
    }

    #[test]
    fn finds_a_function_that_is_too_long_and_does_not_count_its_comments() {
        let long = format!("fn a() {{\n{}}}\n", "    b();\n".repeat(FUNCTION - 1));
        assert!(findings("crates/a/src/b.rs", &long)[0].starts_with("crates/a/src/b.rs:1: `a` has 61 lines"));
        let commented = format!("fn a() {{\n{}}}\n", "    // why\n".repeat(FUNCTION));
        assert_eq!(findings("crates/a/src/b.rs", &commented).len(), 0);
    }

    #[test]
    fn finds_a_file_that_coordinates_too_much() {
        assert!(findings("crates/a/src/b.rs", &"use c::d;\n".repeat(USES + 1))[0].contains("19 `use` lines"));
    }
}

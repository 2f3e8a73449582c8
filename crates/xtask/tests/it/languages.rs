//! Documents that there are in French and in English: both languages tell the same.

use std::collections::BTreeSet;

use xtask::workspace::root;

/// The document about n8n, in French and in English.
pub(crate) fn n8n() -> (String, String) {
    let text = read("n8n.md");
    let (french, english) = text.split_once("\n# Delivery by n8n\n").unwrap();
    (french.split_once("# Livraison par n8n\n").unwrap().1.to_owned(), english.to_owned())
}

/// The guide, in French and in English.
fn guide() -> (String, String) {
    (read("guide/fr.md"), read("guide/en.md"))
}

fn read(document: &str) -> String {
    std::fs::read_to_string(root().join("docs").join(document)).unwrap()
}

/// What a language's part is made of beside its words: headings, steps, points, the rows of tables and their columns, and code as it
/// stands there.
fn shape(text: &str) -> Vec<String> {
    let mut is_code = false;
    let part = |line: &str| {
        let first = line.split(' ').next().unwrap_or_default();
        let is_step = first.strip_suffix('.').is_some_and(|number| number.parse::<u8>().is_ok());
        match line.get(..1)? {
            "#" | "-" => Some(first.to_owned()),
            "|" => Some("|".repeat(line.matches('|').count())),
            _ if is_step => Some(first.to_owned()),
            // As a heading within a chapter.
            "*" if line.starts_with("**") && line.contains(".**") => Some("**".to_owned()),
            _ => None,
        }
    };
    let parts = text.lines().map(str::trim).filter_map(|line| {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        if is_code || is_fence { Some(line.to_owned()) } else { part(line) }
    });
    parts.collect()
}

/// The names in a language's part that are no words of it: settings, fields, codes, files, and other documents that it leads to.
fn names(text: &str) -> BTreeSet<&str> {
    let is_name = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    let named = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).filter(|word| is_name(word));
    let led_to = text.split("](../").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    named.chain(led_to).collect()
}

#[test]
fn both_languages_tell_the_same() {
    let chapters = |text: &str| text.lines().filter(|line| line.starts_with("## ")).count();
    for ((french, english), expected) in [(n8n(), 5), (guide(), 7)] {
        assert_eq!(chapters(&french), expected);
        assert_eq!(shape(&french), shape(&english));
        assert_eq!(names(&french), names(&english));
    }
}

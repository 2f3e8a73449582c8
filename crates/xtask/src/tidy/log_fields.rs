//! A field of a log line has the same name wherever it is told, and the operator's page says what it is.

use super::Finding;
use super::scan::{Source, line_of};
use super::tree::{File, Tree};

const PAGE: &str = "docs/operations.md";

const LEVELS: [&str; 6] = ["error!(", "warn!(", "info!(", "debug!(", "trace!(", "info_span!("];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(page) = tree.get(PAGE) else { return Vec::new() };
    tree.rust().filter(|file| file.is_operated()).flat_map(|file| check_file(file, &page.text)).collect()
}

fn check_file(file: &File, page: &str) -> Vec<Finding> {
    let source = Source::new(&file.text, false);
    // What tests log is left out line by line, so that the numbers stay.
    let code: Vec<&str> = source.lines().map(|(_, line, is_test)| if is_test { "" } else { line }).collect();
    let code = code.join("\n");
    let told = code.match_indices("tracing::").filter_map(|(at, word)| {
        let rest = code.get(at + word.len()..)?;
        let level = LEVELS.iter().find(|level| rest.starts_with(**level))?;
        Some((at, fields(rest.get(level.len()..)?)))
    });
    let unknown = told.flat_map(|(at, fields)| fields.into_iter().map(move |field| (at, field)));
    let unknown = unknown.filter(|(_, field)| !page.contains(&format!("`{field}`")));
    let advice = |field: &str| format!("name the field `{field}` as {PAGE} has it, or say there what it is");
    unknown.map(|(at, field)| Finding::at(&file.path, line_of(&code, at) + 1, advice(&field))).collect()
}

/// The names before the message, which is blanked out as every string is.
fn fields(arguments: &str) -> Vec<String> {
    let (mut nested, mut parts, mut part) = (0_u32, Vec::new(), String::new());
    for letter in arguments.chars() {
        match letter {
            '(' | '[' | '{' => nested += 1,
            ')' | ']' | '}' if nested == 0 => break,
            ')' | ']' | '}' => nested -= 1,
            ',' if nested == 0 => parts.push(std::mem::take(&mut part)),
            _ if nested == 0 => part.push(letter),
            _ => {}
        }
    }
    let name = |part: String| {
        let name = part.split('=').next()?.trim().trim_start_matches(['%', '?']).to_owned();
        let is_name = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'.');
        (is_name && !name.is_empty()).then_some(name)
    };
    parts.into_iter().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(code: &str) -> Vec<String> {
        let page = "| `error` | what went wrong |\n| `link.id` | which link |\n";
        let tree = Tree::of(&[("crates/accounts/src/a.rs", code), (PAGE, page)]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_field_that_the_page_does_not_have_is_found() {
        assert_eq!(findings("fn a() { tracing::warn!(link.id = %id(a, b), %error, \"not {x}, or y\"); }"), [""; 0]);
        let found = findings("fn a() {\n    tracing::warn!(\n        link = %id, ?error, code = 1, \"no\");\n}");
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("crates/accounts/src/a.rs:2: name the field `link` as "), "{found:?}");
    }

    #[test]
    fn what_tests_log_is_theirs() {
        assert_eq!(findings("#[cfg(test)]\nmod tests { fn a() { tracing::info!(mine = 1, \"x\"); } }"), [""; 0]);
    }
}

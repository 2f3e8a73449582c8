//! What is refused, or fails, by a code of ours is explained under that code, and nothing else is. Codes that a platform answers are
//! its own.

use std::collections::BTreeSet;

use super::scan::{Function, Source, line_of};
use super::tree::{File, Tree};
use super::{Finding, docs, strings};

const PAGE: &str = "docs/troubleshooting.md";

/// Codes that nobody is shown, and why.
const UNTOLD: [(&str, &str); 11] = [
    ("broker_blocked", PUBLISHED),
    ("broker_lost", PUBLISHED),
    ("broker_not_connected", PUBLISHED),
    ("broker_refused", PUBLISHED),
    ("broker_timed_out", PUBLISHED),
    ("broker_unroutable", PUBLISHED),
    ("by_hand", "the state of a subscription says it, which is of that name"),
    ("invalid_grant", "it becomes `reauth_required` or, in a consent, `platform_refused`"),
    ("malformed_delivery", DELIVERED),
    ("unreadable", DELIVERED),
    ("webhook_refused", "the log says in words why an alert did not get through"),
];
const PUBLISHED: &str =
    "what could not be published is tried again or waits in the inbox, and the log says why in words";
const DELIVERED: &str = "a delivery that cannot be read becomes a dead letter, which says why in words";

/// What stands right before a code, besides a class of failure.
const LEADS: [&str; 4] = ["bad_request(", "code: ", "reason: ", "refuse("];

/// What stands right before a value in a statement: a tuple, an arm, a closure, a block, something to fall back on.
const VALUES: [&str; 5] = [" (", "=>", "||", "{", "unwrap_or("];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    hold(tree, &UNTOLD)
}

/// Holds what is said to what is explained, but for what is told to nobody.
fn hold(tree: &Tree, untold: &[(&str, &str)]) -> Vec<Finding> {
    let Some(page) = tree.get(PAGE) else { return Vec::new() };
    let explained: BTreeSet<&str> = docs::keys(&page.text).collect();
    let untold: BTreeSet<&str> = untold.iter().map(|(code, _)| *code).collect();
    let (mut said, mut findings) = (BTreeSet::new(), Vec::new());
    for file in tree.rust().filter(|file| file.is_operated()) {
        for (line, code) in codes(tree, file) {
            let advice = match code {
                Ok(code) if explained.contains(code.as_str()) || untold.contains(code.as_str()) => {
                    said.insert(code);
                    continue;
                }
                Ok(code) => format!("explain the code `{code}` in {PAGE}: what it means, what to do"),
                Err(constant) => format!("declare `{constant}` in this file, or name its module: it cannot be read"),
            };
            findings.push(Finding::at(&file.path, line, advice));
        }
    }
    let idle = explained.iter().map(|code| (PAGE, code)).chain(untold.iter().map(|code| (file!(), code)));
    let idle = idle.filter(|(_, code)| !said.contains(**code));
    findings
        .extend(idle.map(|(path, code)| Finding::of(path, format!("take `{code}` out: no code of ours is called so"))));
    findings
}

/// What a file says: the line, and the code as the page writes it, or else the constant that cannot be read.
fn codes(tree: &Tree, file: &File) -> Vec<(usize, Result<String, String>)> {
    let source = Source::new(&file.text, false);
    let code = source.production(&file.text);
    let mut places: BTreeSet<usize> = behind(&code, &LEADS).collect();
    places.extend(classes(&code));
    places.extend(answers(&source, &code));
    places.extend(bound(&code));
    let said = places.into_iter().filter_map(|at| {
        let said = match strings::at(tree, file, code.get(at..)?)? {
            Ok(text) => Ok(written(text)?),
            Err(constant) => Err(constant.to_owned()),
        };
        Some((line_of(&code, at) + 1, said))
    });
    said.collect()
}

/// A code as the page writes it, with `…` for what differs from one to the next; `None` for a text that is none of ours.
fn written(text: &str) -> Option<String> {
    let (word, rest) = text.split_at(text.find('{').unwrap_or(text.len()));
    let is_sign = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let is_word = word.starts_with(|c: char| c.is_ascii_lowercase()) && word.bytes().all(is_sign);
    is_word.then(|| format!("{word}{}", if rest.is_empty() { "" } else { "…" }))
}

/// The places right behind these words.
fn behind<'a>(code: &'a str, words: &'a [&'a str]) -> impl Iterator<Item = usize> {
    words.iter().flat_map(move |word| code.match_indices(*word).map(|(at, found)| at + found.len()))
}

/// Behind a class of failure, be it named or the `kind` that an error is made of.
fn classes(code: &str) -> impl Iterator<Item = usize> {
    let named = behind(code, &["FaultKind::"]).filter_map(move |at| {
        let rest = code.get(at..)?.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        Some(code.len() - rest.strip_prefix(',')?.len())
    });
    let computed = behind(code, &["new("])
        .filter_map(move |at| Some(code.len() - code.get(at..)?.trim_start().strip_prefix("kind,")?.len()));
    named.chain(computed)
}

/// What the method `code` of an error answers.
fn answers(source: &Source, code: &str) -> Vec<usize> {
    let lines: Vec<&str> = code.lines().collect();
    let is_method = |function: &Function| {
        function.name == "code" && lines.get(*function.lines.start()).is_some_and(|line| line.contains("self"))
    };
    let methods: Vec<Function> = source.functions().into_iter().filter(is_method).collect();
    let is_inside = |at: &usize| methods.iter().any(|method| method.lines.contains(&line_of(code, *at)));
    behind(code, &["=>"]).filter(is_inside).collect()
}

/// What is bound to the name `code`, alone or beside others.
fn bound(code: &str) -> Vec<usize> {
    behind(code, &["let "]).flat_map(|at| values(code, at)).collect()
}

/// Where the values stand of the statement that begins at `start`, if it binds the name `code`.
fn values(code: &str, start: usize) -> Vec<usize> {
    let statement = code.get(start..).and_then(|rest| rest.split(';').next()).unwrap_or_default();
    let Some((pattern, value)) = statement.split_once('=') else { return Vec::new() };
    let mut names = pattern.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    if !names.any(|name| name == "code") {
        return Vec::new();
    }
    let from = start + pattern.len() + 1;
    behind(value, &VALUES).chain([0]).map(|at| from + at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(code: &str, page: &str) -> Vec<String> {
        let tree = Tree::of(&[("crates/connectors/src/a.rs", code), (PAGE, page)]);
        hold(&tree, &[]).iter().map(ToString::to_string).collect()
    }

    /// The codes that a file says, with their lines.
    fn with_lines(code: &str) -> Vec<(usize, String)> {
        let tree = Tree::of(&[("crates/accounts/src/a.rs", code), ("crates/domain/src/faults.rs", FAULTS)]);
        let mut said = codes(&tree, tree.get("crates/accounts/src/a.rs").unwrap());
        said.sort();
        said.into_iter().map(|(line, code)| (line, code.unwrap())).collect()
    }

    const FAULTS: &str = "pub const DOWN: &str = \"n8n_down\";\n";

    fn said(code: &str) -> Vec<String> {
        with_lines(code).into_iter().map(|(_, code)| code).collect()
    }

    #[test]
    fn a_code_that_is_told_is_explained() {
        let told = "Self::new(FaultKind::Conflict, \"account_taken\", detail)";
        assert_eq!(findings(told, "| `account_taken` | 409 |"), Vec::<String>::new());
        let [found] = &findings(told, "See `account_taken`.\n")[..] else { panic!("one finding") };
        assert!(found.starts_with("crates/connectors/src/a.rs:1: explain the code `account_taken`"), "{found}");
    }

    #[test]
    fn what_is_explained_is_told_somewhere() {
        let page = "| `code` | what |\n|---|---|\n| `taken`, `gone` | x |\n";
        let found = findings("new(FaultKind::Conflict, \"taken\", x)", page);
        assert_eq!(found, ["docs/troubleshooting.md: take `gone` out: no code of ours is called so"]);
    }

    #[test]
    fn what_is_told_to_nobody_is_listed_with_its_reason_as_long_as_it_is_said() {
        let tree = Tree::of(&[("crates/a/src/a.rs", "new(FaultKind::Invalid, \"lost\", x)"), (PAGE, "")]);
        assert_eq!(hold(&tree, &[("lost", "why")]), []);
        let [found] = &hold(&tree, &[("lost", "why"), ("gone", "why")])[..] else { panic!("one finding") };
        assert!(found.advice.starts_with("take `gone` out"), "{found}");
    }

    #[test]
    fn a_code_stands_behind_its_class_on_the_same_line_or_the_next() {
        assert_eq!(said("new(FaultKind::Unavailable, \"n8n_down\", x)"), ["n8n_down"]);
        assert_eq!(said("new(\n    FaultKind::Internal,\n    \"not_sent\",\n    \"words of it\",\n)"), ["not_sent"]);
        assert_eq!(said("404 => (FaultKind::NotFound, \"gone\"),"), ["gone"]);
        assert_eq!(said("new(kind, &format!(\"http_{status}\"), x)"), ["http_…"]);
        assert_eq!(said("new(\n    kind,\n    faults::DOWN,\n)"), ["n8n_down"]);
    }

    #[test]
    fn what_an_error_answers_for_its_code_is_one() {
        let code = "impl A {\n    fn code(&self) -> &'static str {\n        match self {\n            Self::B => \"b_c\",\n            \
                    Self::D | Self::E =>\n                \"d\",\n            Self::F => self.kind().code(),\n        }\n    }\n}\n";
        assert_eq!(with_lines(code), [(4, "b_c".to_owned()), (5, "d".to_owned())]);
        assert_eq!(
            said("fn code(language: Language) -> &'static str {\n    match language { Fr => \"fr\" }\n}\n"),
            [""; 0]
        );
    }

    #[test]
    fn a_code_that_is_given_by_name_is_one() {
        assert_eq!(said("E { kind, code: \"closed\".to_owned(), ..error }"), ["closed"]);
        assert_eq!(said("Ignored { reason: \"unknown_account\".to_owned() }"), ["unknown_account"]);
        assert_eq!(said("Problem::bad_request(\n    \"key_invalid\",\n    x)"), ["key_invalid"]);
        assert_eq!(said("_ => refuse(\n    \"redirected\", x),"), ["redirected"]);
        assert_eq!(said("E { code: faults::DOWN.to_owned() }"), ["n8n_down"]);
    }

    #[test]
    fn what_is_bound_to_that_name_is_one() {
        let two = "let (code, message) = if a() {\n    (\"timeout\", \"words of it\")\n} else {\n    (faults::DOWN, DOWN)\n};";
        assert_eq!(said(two), ["timeout", "n8n_down"]);
        assert_eq!(said("let code = text(first, \"status\").unwrap_or(\"row_refused\");"), ["row_refused"]);
        assert_eq!(said("let code = of(body).unwrap_or_else(|| \"refused\".to_owned());"), ["refused"]);
        assert_eq!(said("let code = if a { \"b\" } else { \"c\" };"), ["b", "c"]);
        assert_eq!(said("let name = of(body).unwrap_or(\"nobody\");"), [""; 0]);
    }

    #[test]
    fn a_constant_that_cannot_be_read_is_found() {
        let found = findings(
            "const A_B: &str = \"a_b\";\nnew(FaultKind::Invalid, A_B);\nnew(FaultKind::Invalid, C_D);",
            "| `a_b` |",
        );
        let [found] = &found[..] else { panic!("one finding") };
        assert!(found.starts_with("crates/connectors/src/a.rs:3: declare `C_D` "), "{found}");
    }

    #[test]
    fn what_platforms_answer_and_what_tests_make_up_is_left_out() {
        assert_eq!(said("new(FaultKind::Invalid, \"VALIDATION_ERROR\")"), [""; 0]);
        assert_eq!(said("// new(FaultKind::Invalid, \"made_up\")"), [""; 0]);
        let between = "#[cfg(test)]\nmod tests;\nnew(FaultKind::Invalid, \"real\");\n#[cfg(test)]\nmod more {\n    \
                       new(FaultKind::Invalid, \"made_up\");\n}\n";
        assert_eq!(said(between), ["real"]);
    }
}

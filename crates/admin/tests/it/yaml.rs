//! Reads YAML as far as our manifests are written in it: blocks, scalars and what stands in brackets. What it cannot read it refuses,
//! so that nothing is passed over; anchors are not followed.

use serde_json::Value;

/// What divides the words in brackets.
const SIGNS: [char; 6] = ['[', ']', '{', '}', ',', ':'];

/// A line that says something, without its comment.
#[derive(Clone, Copy)]
struct Line<'a> {
    indent: usize,
    text: &'a str,
}

/// The documents of a file, in which every scalar is text; of one that goes over several lines, those that are no comment.
pub(crate) fn documents(file: &str) -> Vec<Value> {
    let lines: Vec<Line<'_>> = file.lines().filter_map(line).collect();
    let documents = lines.split(|line| line.indent == 0 && line.text == "---");
    documents.filter(|lines| !lines.is_empty()).map(block).collect()
}

fn line(line: &str) -> Option<Line<'_>> {
    let text = line.trim_start();
    let indent = line.len() - text.len();
    let text = without_comment(text).trim_end();
    (!text.is_empty()).then_some(Line { indent, text })
}

/// A `#` begins a comment at the beginning, or behind a blank and outside quotes.
fn without_comment(text: &str) -> &str {
    if text.starts_with('#') {
        return "";
    }
    let before = |(at, _)| text.split_at(at).0;
    let is_outside = |before: &&str| before.matches('"').count().is_multiple_of(2);
    text.match_indices(" #").map(before).find(is_outside).unwrap_or(text)
}

/// Entries or items, each with the lines that are indented further than where it begins.
fn block(lines: &[Line<'_>]) -> Value {
    let first = lines[0];
    assert!(lines.iter().all(|line| line.indent >= first.indent), "indented as nothing else: {}", first.text);
    let parts = lines.chunk_by(|_, next| next.indent > first.indent);
    if first.text.starts_with("- ") { parts.map(item).collect() } else { parts.map(entry).collect() }
}

fn item(lines: &[Line<'_>]) -> Value {
    let first = lines[0];
    let Some(text) = first.text.strip_prefix("- ") else { panic!("no item: {}", first.text) };
    if keyed(text).is_none() {
        return value(text, &lines[1..]);
    }
    let mut entries = lines.to_vec();
    entries[0] = Line { indent: first.indent + 2, text };
    block(&entries)
}

fn entry<'a>(lines: &[Line<'a>]) -> (&'a str, Value) {
    let Some((key, text)) = keyed(lines[0].text) else { panic!("no entry: {}", lines[0].text) };
    (key, value(text, &lines[1..]))
}

/// The key of an entry, and what stands behind its colon.
fn keyed(text: &str) -> Option<(&str, &str)> {
    let entry = text.split_once(": ").or_else(|| Some((text.strip_suffix(':')?, "")));
    entry.filter(|(key, _)| !key.starts_with(['"', '\'', '[', '{', '-']))
}

fn value(text: &str, below: &[Line<'_>]) -> Value {
    let text = text.trim_start();
    let text = text.strip_prefix('&').map_or(text, |anchor| anchor.split_once(' ').map_or("", |(_, text)| text));
    if text.starts_with(['|', '>']) {
        let lines: Vec<&str> = below.iter().map(|line| line.text).collect();
        return lines.join("\n").into();
    }
    match (text, below) {
        ("", []) => Value::Null,
        ("", below) => block(below),
        (text, []) => scalar(text),
        (text, _) => panic!("goes on below: {text}"),
    }
}

fn scalar(text: &str) -> Value {
    assert!(!text.starts_with("- "), "an item within an item: {text}");
    if text.starts_with(['[', '{']) {
        return json(&bracketed(text));
    }
    if text.starts_with('"') { json(text) } else { text.trim_matches('\'').into() }
}

/// The same as JSON, in which every word has its quotes.
fn bracketed(text: &str) -> String {
    let mut json = String::new();
    for (number, part) in text.split('"').enumerate() {
        if !number.is_multiple_of(2) {
            json.push_str(&Value::from(part).to_string());
            continue;
        }
        for piece in part.split_inclusive(SIGNS) {
            let (word, sign) = piece.split_at(piece.trim_end_matches(SIGNS).len());
            if !word.trim().is_empty() {
                json.push_str(&Value::from(word.trim()).to_string());
            }
            json.push_str(sign);
        }
    }
    json
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Every form in which the manifests are written.
const FILE: &str = r#"
# Why.
kind: A # what
spec: &spec
  args: [sleep, "5, 6"]
  list:
    - name: a
      value: "x: #1"
    - b:
        c: 1
    - |
      test -e a || exit
  from: [{ path: a.env, required: false }]
---
url: http://a:1/b
more: *spec
empty:
"#;

#[test]
fn reads_each_form_in_which_the_manifests_are_written() {
    let first = serde_json::json!({ "kind": "A", "spec": {
        "args": ["sleep", "5, 6"],
        "list": [{ "name": "a", "value": "x: #1" }, { "b": { "c": "1" } }, "test -e a || exit"],
        "from": [{ "path": "a.env", "required": "false" }],
    }});
    let second = serde_json::json!({ "url": "http://a:1/b", "more": "*spec", "empty": null });
    assert_eq!(documents(FILE), [first, second]);
}

#[test]
fn refuses_what_it_would_read_wrongly() {
    for file in ["a: b\n  c\n", "a:\n    b: 1\n  c: 2\n", "a\n", "a: [b: c\n", "a:\n  - - b\n", "a:\n- b\n"] {
        assert!(std::panic::catch_unwind(|| documents(file)).is_err(), "{file}");
    }
}

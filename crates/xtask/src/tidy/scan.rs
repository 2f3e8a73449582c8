//! Reads Rust just well enough for the rules: code without strings and comments, and where functions and tests are.

use std::ops::RangeInclusive;

/// A function's name and the lines it spans, counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) lines: RangeInclusive<usize>,
}

/// One Rust file, line by line.
#[derive(Debug)]
pub(super) struct Source {
    /// The code, with every comment, string and character literal blanked out.
    code: String,
    /// For each line, whether it is compiled for tests only.
    test: Vec<bool>,
}

impl Source {
    /// Reads a file; `all_test` says that it is a test from its first line to its last.
    pub(super) fn new(text: &str, all_test: bool) -> Self {
        let code = blank_out(text);
        let mut test = vec![all_test; code.lines().count()];
        for (start, marker) in code.match_indices("#[cfg(test)]") {
            let from = line_of(&code, start);
            let to = item_end(&code, start + marker.len()).map_or(from, |end| line_of(&code, end));
            test.iter_mut().take(to + 1).skip(from).for_each(|line| *line = true);
        }
        Self { code, test }
    }

    /// How many lines are not for tests.
    pub(super) fn production_lines(&self) -> usize {
        self.test.iter().filter(|is_test| !**is_test).count()
    }

    /// The lines of code, each with its number (from 0) and whether it is for tests only.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str, bool)> {
        self.code.lines().zip(&self.test).enumerate().map(|(number, (line, test))| (number, line, *test))
    }

    /// `text`, of which this was read, with its strings but without its comments and what is for tests only: those lines are empty.
    pub(super) fn production(&self, text: &str) -> String {
        let lines = text.lines().zip(&self.test);
        let kept = lines.map(|(line, is_test)| if *is_test || line.trim_start().starts_with("//") { "" } else { line });
        kept.collect::<Vec<_>>().join("\n")
    }

    /// The functions that have a body and are not for tests.
    pub(super) fn functions(&self) -> Vec<Function> {
        let starts = self.code.match_indices("fn ").filter(|(start, _)| !self.follows_a_name(*start));
        let functions = starts.filter_map(|(start, word)| {
            let name: String =
                self.code.get(start + word.len()..)?.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let end = item_end(&self.code, start)?;
            let lines = line_of(&self.code, start)..=line_of(&self.code, end);
            (self.code.as_bytes().get(end) == Some(&b'}')).then_some(Function { name, lines })
        });
        functions.filter(|function| self.test.get(*function.lines.start()) == Some(&false)).collect()
    }

    /// How many lines of a range hold code: neither blank nor only a comment.
    pub(super) fn code_lines(&self, range: &RangeInclusive<usize>) -> usize {
        self.lines().filter(|(number, line, _)| range.contains(number) && !line.trim().is_empty()).count()
    }

    fn follows_a_name(&self, start: usize) -> bool {
        let before = start.checked_sub(1).and_then(|index| self.code.as_bytes().get(index));
        before.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    }
}

/// The line in which a byte stands, counted from 0.
pub(super) fn line_of(code: &str, offset: usize) -> usize {
    code.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

/// The offset of the `}` or `;` that ends the item which begins at or after `from`.
fn item_end(code: &str, from: usize) -> Option<usize> {
    let (mut nested, mut braces) = (0_u32, 0_u32);
    for (offset, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => nested += 1,
            b')' | b']' => nested = nested.saturating_sub(1),
            b'{' => braces += 1,
            b'}' if braces <= 1 => return Some(offset),
            b'}' => braces -= 1,
            b';' if nested == 0 && braces == 0 => return Some(offset),
            _ => {}
        }
    }
    None
}

/// The same text with spaces for whatever is no code; every line keeps its number.
fn blank_out(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let in_a_name = code.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let opaque = opaque_length(rest, in_a_name);
        let (taken, left) = rest.split_at_checked(opaque.unwrap_or(first.len_utf8())).unwrap_or((rest, ""));
        if opaque.is_some() {
            code.extend(taken.chars().map(|c| if c == '\n' { c } else { ' ' }));
        } else {
            code.push(if first.is_ascii() { first } else { ' ' });
        }
        rest = left;
    }
    code
}

/// The length in bytes of the comment, string or character literal that begins here, if one does.
fn opaque_length(rest: &str, in_a_name: bool) -> Option<usize> {
    let after = |prefix: &str, end: Option<usize>| end.map_or(rest.len(), |found| prefix.len() + found);
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment_length(rest));
    }
    if let Some(body) = rest.strip_prefix('"') {
        return Some(after("\"", closing(body, '"').map(|end| end + 1)));
    }
    if let Some(body) = rest.strip_prefix('\'') {
        // `'a` is a lifetime, `'a'` a literal.
        let is_literal = body.starts_with('\\') || body.chars().nth(1) == Some('\'');
        return is_literal.then(|| after("'", closing(body, '\'').map(|end| end + 1)));
    }
    let raw = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r')).filter(|_| !in_a_name)?;
    let hashes: String = raw.chars().take_while(|c| *c == '#').collect();
    let body = raw.strip_prefix(hashes.as_str())?.strip_prefix('"')?;
    let end = body.find(&format!("\"{hashes}")).map_or(body.len(), |end| end + 1 + hashes.len());
    Some(rest.len() - body.len() + end)
}

/// Where the quote is that closes a literal, minding escapes.
fn closing(body: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    body.char_indices().find_map(|(offset, c)| {
        let closes = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        closes.then_some(offset)
    })
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0_u32;
    for (offset, _) in rest.char_indices() {
        let here = rest.get(offset..).unwrap_or_default();
        if here.starts_with("/*") {
            depth += 1;
        } else if here.starts_with("*/") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return offset + 2;
            }
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_out_what_is_no_code() {
        let text =
            "let a = \"x{\\\"\"; // {\nlet b = r#\"\"}\"#; /* { /* } */ */ let c = '{'; let d: &'static str = f();";
        let code = blank_out(text);
        assert_eq!(code.matches(['{', '}']).count(), 0, "{code}");
        assert_eq!(code.lines().count(), 2);
        assert!(code.contains("let d: &'static str = f();"), "{code}");
    }

    #[test]
    fn finds_functions_and_leaves_tests_out() {
        let text = "fn a(x: [u8; 3]) {\n    if x { y() }\n}\ntrait T { fn b(); }\n#[cfg(test)]\nmod tests {\n    fn c() {}\n}\n";
        let source = Source::new(text, false);
        assert_eq!(source.functions(), [Function { name: "a".to_owned(), lines: 0..=2 }]);
        assert_eq!(source.production_lines(), 4);
    }

    #[test]
    fn a_test_module_in_its_own_file_is_one_line() {
        let source = Source::new("#[cfg(test)]\nmod tests;\nfn a() {}\n", false);
        assert_eq!(source.production_lines(), 1);
    }

    #[test]
    fn what_is_in_production_keeps_its_strings_and_its_lines() {
        let text = "#[cfg(test)]\nmod tests;\n\n// Why.\nfn a() {\n    b(\n        \"c\",\n    );\n}\n";
        let production = Source::new(text, false).production(text);
        assert_eq!(production, "\n\n\n\nfn a() {\n    b(\n        \"c\",\n    );\n}");
    }

    #[test]
    fn counts_lines_that_hold_code() {
        let source = Source::new("fn a() {\n\n    // why\n    b();\n}\n", false);
        assert_eq!(source.code_lines(&(0..=4)), 3);
    }
}

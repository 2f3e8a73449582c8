//! A string where a rule meets it in code: the literal itself, or the constant that stands for it.

use super::tree::{File, Tree};

/// The string with which `code` of this file begins, behind blanks; `None` where anything else does.
///
/// An error names a constant that is declared as a string neither in the file nor in the module that is named before it.
pub(super) fn at<'a>(tree: &'a Tree, file: &'a File, code: &'a str) -> Option<Result<&'a str, &'a str>> {
    let code = code.trim_start();
    let code = code.strip_prefix("&format!(").unwrap_or(code);
    literal(code).map(Ok).or_else(|| constant(tree, file, code))
}

fn literal(code: &str) -> Option<&str> {
    Some(code.strip_prefix('"')?.split_once('"')?.0)
}

fn constant<'a>(tree: &'a Tree, file: &'a File, code: &'a str) -> Option<Result<&'a str, &'a str>> {
    let path = code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).next()?;
    let mut names = path.rsplit("::");
    let (name, module) = (names.next()?, names.next());
    let is_capital = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    // A letter alone is a type, what begins by a digit a number.
    let begins = name.starts_with(|c: char| c.is_ascii_uppercase());
    if name.len() < 2 || !begins || !name.bytes().all(is_capital) {
        return None;
    }
    let declaration = format!("const {name}: &str =");
    let is_home = |home: &&File| match module {
        Some(module) => {
            [format!("/{module}.rs"), format!("/{module}/mod.rs")].iter().any(|end| home.path.ends_with(end))
        }
        None => home.path == file.path,
    };
    let declared = |home: &'a File| literal(home.text.split_once(declaration.as_str())?.1.trim_start());
    Some(tree.rust().filter(is_home).find_map(declared).ok_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(code: &str) -> Option<Result<String, String>> {
        let here = ("crates/a/src/lib.rs", "const HERE: &str = \"here\";\nconst LONG: &str =\n    \"long\";\n");
        let there = ("crates/b/src/words/mod.rs", "pub const THERE: &str = \"there\";\n");
        let tree = Tree::of(&[here, there]);
        let file = tree.get("crates/a/src/lib.rs").unwrap();
        at(&tree, file, code).map(|read| read.map(str::to_owned).map_err(str::to_owned))
    }

    #[test]
    fn a_string_is_a_literal_or_a_constant_of_this_file_or_of_a_named_module() {
        for (code, text) in [
            ("\"word\", x", "word"),
            ("\n    \"word\",", "word"),
            (" &format!(\"word_{x}\")", "word_{x}"),
            ("HERE.to_owned()", "here"),
            (" LONG)", "long"),
            ("crate::words::THERE,", "there"),
        ] {
            assert_eq!(read(code), Some(Ok(text.to_owned())), "{code}");
        }
        for unknown in ["THERE", "words::HERE"] {
            assert_eq!(read(unknown), Some(Err(unknown.to_owned())));
        }
        for other in ["name, x", "429, x", "T, x", "Self::Away", "FaultKind::Invalid", "_ => x", ""] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}

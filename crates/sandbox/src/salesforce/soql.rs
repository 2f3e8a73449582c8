//! Queries: `SELECT … FROM … WHERE … ORDER BY … LIMIT …`, as far as callers of this stand-in need it.

use super::errors::ApiError;

/// A query.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) columns: Vec<String>,
    pub(crate) object: String,
    pub(crate) condition: Option<Condition>,
    pub(crate) order: Vec<(String, bool)>,
    pub(crate) limit: Option<usize>,
}

/// What rows must meet.
#[derive(Debug)]
pub(crate) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Compare { column: String, by: Comparison, with: Literal },
    OneOf { column: String, values: Vec<Literal> },
    Like { column: String, pattern: String },
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Comparison {
    Equal,
    Other,
    Less,
    AtMost,
    More,
    AtLeast,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Literal {
    Text(String),
    /// A number, a moment, a day, a boolean or null, as it is written.
    Bare(String),
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Word {
    Name(String),
    Text(String),
    Sign(String),
}

/// Reads a query.
pub(crate) fn parse(text: &str) -> Result<Query, ApiError> {
    let mut reader = Reader { words: words(text)?.into_iter().peekable() };
    reader.keyword("SELECT")?;
    let mut columns = vec![reader.name()?];
    while reader.takes_sign(",") {
        columns.push(reader.name()?);
    }
    reader.keyword("FROM")?;
    let object = reader.name()?;
    let condition = if reader.takes("WHERE") { Some(reader.any()?) } else { None };
    let mut order = Vec::new();
    if reader.takes("ORDER") {
        reader.keyword("BY")?;
        loop {
            let name = reader.name()?;
            let is_down = reader.takes("DESC");
            order.push((
                name,
                is_down || {
                    reader.takes("ASC");
                    false
                },
            ));
            if !reader.takes_sign(",") {
                break;
            }
        }
    }
    let limit = if reader.takes("LIMIT") {
        Some(reader.name()?.parse().map_err(|_no_number| ApiError::query("LIMIT must be a number"))?)
    } else {
        None
    };
    match reader.words.next() {
        None => Ok(Query { columns, object, condition, order, limit }),
        Some(word) => Err(ApiError::query(format!("unexpected token: {word:?}"))),
    }
}

struct Reader {
    words: std::iter::Peekable<std::vec::IntoIter<Word>>,
}

impl Reader {
    fn takes(&mut self, keyword: &str) -> bool {
        self.words.next_if(|word| matches!(word, Word::Name(name) if name.eq_ignore_ascii_case(keyword))).is_some()
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        self.words.next_if(|word| matches!(word, Word::Sign(known) if known == sign)).is_some()
    }

    fn keyword(&mut self, keyword: &str) -> Result<(), ApiError> {
        if self.takes(keyword) { Ok(()) } else { Err(ApiError::query(format!("{keyword} is missing"))) }
    }

    fn sign(&mut self, sign: &str) -> Result<(), ApiError> {
        if self.takes_sign(sign) { Ok(()) } else { Err(ApiError::query(format!("{sign} is missing"))) }
    }

    fn name(&mut self) -> Result<String, ApiError> {
        match self.words.next() {
            Some(Word::Name(name)) => Ok(name),
            other => Err(ApiError::query(format!("unexpected token: {other:?}"))),
        }
    }

    fn any(&mut self) -> Result<Condition, ApiError> {
        let mut parts = vec![self.all()?];
        while self.takes("OR") {
            parts.push(self.all()?);
        }
        Ok(Condition::Any(parts))
    }

    fn all(&mut self) -> Result<Condition, ApiError> {
        let mut parts = vec![self.one()?];
        while self.takes("AND") {
            parts.push(self.one()?);
        }
        Ok(Condition::All(parts))
    }

    fn one(&mut self) -> Result<Condition, ApiError> {
        if self.takes_sign("(") {
            let inside = self.any()?;
            self.sign(")")?;
            return Ok(inside);
        }
        let column = self.name()?;
        if self.takes("IN") {
            self.sign("(")?;
            let mut values = vec![self.literal()?];
            while self.takes_sign(",") {
                values.push(self.literal()?);
            }
            self.sign(")")?;
            return Ok(Condition::OneOf { column, values });
        }
        if self.takes("LIKE") {
            return match self.literal()? {
                Literal::Text(pattern) => Ok(Condition::Like { column, pattern }),
                Literal::Bare(bare) => Err(ApiError::query(format!("unexpected token: {bare}"))),
            };
        }
        let by = match self.words.next() {
            Some(Word::Sign(sign)) => match sign.as_str() {
                "=" => Comparison::Equal,
                "!=" | "<>" => Comparison::Other,
                "<" => Comparison::Less,
                "<=" => Comparison::AtMost,
                ">" => Comparison::More,
                ">=" => Comparison::AtLeast,
                _ => return Err(ApiError::query(format!("unexpected token: {sign}"))),
            },
            other => return Err(ApiError::query(format!("unexpected token: {other:?}"))),
        };
        Ok(Condition::Compare { column, by, with: self.literal()? })
    }

    fn literal(&mut self) -> Result<Literal, ApiError> {
        match self.words.next() {
            Some(Word::Text(text)) => Ok(Literal::Text(text)),
            Some(Word::Name(bare)) => Ok(Literal::Bare(bare)),
            other => Err(ApiError::query(format!("unexpected token: {other:?}"))),
        }
    }
}

fn words(text: &str) -> Result<Vec<Word>, ApiError> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_whitespace() {
            continue;
        }
        if c == '\'' {
            words.push(Word::Text(quoted(&mut chars)?));
        } else if matches!(c, ',' | '(' | ')') {
            words.push(Word::Sign(c.to_string()));
        } else if matches!(c, '<' | '>' | '=' | '!') {
            let mut sign = c.to_string();
            sign.extend(chars.next_if(|next| matches!(next, '=' | '>')));
            words.push(Word::Sign(sign));
        } else {
            let mut name = c.to_string();
            while let Some(next) = chars.next_if(|next| {
                !next.is_whitespace() && !matches!(next, ',' | '(' | ')' | '<' | '>' | '=' | '!' | '\'')
            }) {
                name.push(next);
            }
            words.push(Word::Name(name));
        }
    }
    Ok(words)
}

fn quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, ApiError> {
    let mut text = String::new();
    while let Some(c) = chars.next() {
        match c {
            '\'' => return Ok(text),
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('t') => text.push('\t'),
                Some(c @ ('\\' | '\'' | '"')) => text.push(c),
                _ => return Err(ApiError::query("illegal character sequence")),
            },
            c => text.push(c),
        }
    }
    Err(ApiError::query("a text does not end"))
}

/// Whether a text is like a pattern, in any case; `%` stands for anything.
pub(crate) fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.to_lowercase(), pattern.to_lowercase());
    let mut parts = pattern.split('%');
    let Some(mut rest) = parts.next().and_then(|start| text.strip_prefix(start)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(end) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_says_what_a_text_begins_with_holds_and_ends_in() {
        for (text, pattern) in [("06 12 34", "%1%2%3%4"), ("abc", "A%"), ("abc", "abc"), ("abc", "%"), ("aba", "a%a")] {
            assert!(is_like(text, pattern), "{text} {pattern}");
        }
        for (text, pattern) in [("06 12 34 5", "%1%2%3%4"), ("abc", "b%"), ("abc", "ab"), ("a", "a%a"), ("", "%1")] {
            assert!(!is_like(text, pattern), "{text} {pattern}");
        }
    }

    #[test]
    fn a_query_is_read_and_what_is_none_is_refused() {
        let query = parse(
            r"SELECT Id, Email FROM Contact WHERE Email IN ('a','O\'Brien') AND (SystemModstamp > 2026-11-27T12:00:00Z OR Id = 'x') ORDER BY CreatedDate, Id DESC LIMIT 5",
        )
        .unwrap();
        assert_eq!((query.columns.len(), query.object.as_str(), query.limit), (2, "Contact", Some(5)));
        assert_eq!(query.order, [("CreatedDate".to_owned(), false), ("Id".to_owned(), true)]);
        for bad in [
            "",
            "SELECT",
            "SELECT Id FROM Contact WHERE",
            "SELECT Id FROM Contact WHERE Id = 'x",
            "SELECT Id FROM Contact x",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}

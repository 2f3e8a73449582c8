//! GraphQL documents, as far as a client of a shop needs them: one operation, arguments, aliases, variables, inline fragments. What
//! they mean is `run`'s.

use serde_json::{Map, Value};

/// An operation.
#[derive(Debug, Default)]
pub(crate) struct Document {
    pub(crate) is_mutation: bool,
    pub(crate) fields: Vec<Field>,
}

/// A field that is selected, or an inline fragment.
#[derive(Debug, Default)]
pub(crate) struct Field {
    /// Under which name it is answered.
    pub(crate) alias: String,
    pub(crate) name: String,
    pub(crate) arguments: Map<String, Value>,
    /// The type for which a fragment is; then name and alias are empty.
    pub(crate) on: Option<String>,
    pub(crate) fields: Vec<Self>,
}

impl Field {
    /// The argument of that name; `Null` where it is not given.
    pub(crate) fn argument(&self, name: &str) -> &Value {
        self.arguments.get(name).unwrap_or(&Value::Null)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.argument(name).as_str()
    }
}

/// Why a document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) String);

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Sign(char),
    Spread,
    Name(String),
    Text(String),
    Number(Value),
}

/// Reads a document, with its variables put in.
pub(crate) fn read(text: &str, variables: &Map<String, Value>) -> Result<Document, Unreadable> {
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens: &tokens, variables };
    let is_mutation = match reader.tokens.first() {
        Some(Token::Name(name)) if name == "mutation" || name == "query" => {
            let is_mutation = name == "mutation";
            reader.next()?;
            is_mutation
        }
        Some(_) | None => false,
    };
    // A name of the operation, and what it declares of its variables.
    while !reader.is_at('{') {
        reader.next()?;
    }
    let fields = reader.selection()?;
    if reader.tokens.is_empty() { Ok(Document { is_mutation, fields }) } else { Err(unexpected("the end")) }
}

struct Reader<'a> {
    tokens: &'a [Token],
    variables: &'a Map<String, Value>,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<Token, Unreadable> {
        let (first, rest) = self.tokens.split_first().ok_or_else(|| unexpected("the end of the document"))?;
        self.tokens = rest;
        Ok(first.clone())
    }

    fn is_at(&self, sign: char) -> bool {
        self.tokens.first() == Some(&Token::Sign(sign))
    }

    /// Passes a sign where it comes next.
    fn passes(&mut self, sign: char) -> bool {
        let is_at = self.is_at(sign);
        if let Some((_, rest)) = self.tokens.split_first().filter(|_| is_at) {
            self.tokens = rest;
        }
        is_at
    }

    fn must(&mut self, sign: char) -> Result<(), Unreadable> {
        if self.passes(sign) {
            Ok(())
        } else {
            Err(unexpected(&format!("{:?}, where {sign} is due", self.tokens.first())))
        }
    }

    fn name(&mut self) -> Result<String, Unreadable> {
        let token = self.next()?;
        if let Token::Name(name) = token { Ok(name) } else { Err(unexpected(&format!("{token:?}"))) }
    }

    fn selection(&mut self) -> Result<Vec<Field>, Unreadable> {
        self.must('{')?;
        let mut fields = Vec::new();
        while !self.passes('}') {
            fields.push(self.field()?);
        }
        Ok(fields)
    }

    fn field(&mut self) -> Result<Field, Unreadable> {
        if self.tokens.first() == Some(&Token::Spread) {
            self.next()?;
            self.name()?;
            let on = Some(self.name()?);
            return Ok(Field { on, fields: self.selection()?, ..Field::default() });
        }
        let alias = self.name()?;
        let name = if self.passes(':') { self.name()? } else { alias.clone() };
        let mut arguments = Map::new();
        if self.passes('(') {
            while !self.passes(')') {
                let (name, value) = self.pair()?;
                arguments.extend(value.map(|value| (name, value)));
            }
        }
        let fields = if self.is_at('{') { self.selection()? } else { Vec::new() };
        Ok(Field { alias, name, arguments, on: None, fields })
    }

    fn pair(&mut self) -> Result<(String, Option<Value>), Unreadable> {
        let name = self.name()?;
        self.must(':')?;
        Ok((name, self.value()?))
    }

    /// A value; `None` for a variable that was not given.
    fn value(&mut self) -> Result<Option<Value>, Unreadable> {
        Ok(Some(match self.next()? {
            Token::Text(text) => Value::String(text),
            Token::Number(number) => number,
            Token::Name(name) => match name.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                word => Value::String(word.to_owned()),
            },
            Token::Sign('$') => return Ok(self.variables.get(&self.name()?).cloned()),
            Token::Sign('[') => {
                let mut items = Vec::new();
                while !self.passes(']') {
                    items.push(self.value()?.unwrap_or_default());
                }
                Value::Array(items)
            }
            Token::Sign('{') => {
                let mut fields = Map::new();
                while !self.passes('}') {
                    let (name, value) = self.pair()?;
                    fields.extend(value.map(|value| (name, value)));
                }
                Value::Object(fields)
            }
            other @ (Token::Sign(_) | Token::Spread) => return Err(unexpected(&format!("{other:?}"))),
        }))
    }
}

fn unexpected(what: &str) -> Unreadable {
    Unreadable(format!("syntax error, unexpected {what}"))
}

fn tokens(text: &str) -> Result<Vec<Token>, Unreadable> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' => text_end(rest).ok_or_else(|| unexpected("the end of the document, in a text"))?,
            '.' => 3,
            'a'..='z' | 'A'..='Z' | '_' => end_of(rest, |c| c.is_ascii_alphanumeric() || c == '_'),
            '0'..='9' | '-' => end_of(rest, |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.')),
            _ => first.len_utf8(),
        };
        let (part, after) = rest.split_at_checked(end).ok_or_else(|| unexpected(rest))?;
        // What stands in quotes is written as in JSON.
        let literal = || serde_json::from_str::<Value>(part).map_err(|_bad| unexpected(part));
        tokens.push(match first {
            '"' => Token::Text(literal()?.as_str().unwrap_or_default().to_owned()),
            '.' if part == "..." => Token::Spread,
            '.' => return Err(unexpected(part)),
            'a'..='z' | 'A'..='Z' | '_' => Token::Name(part.to_owned()),
            '0'..='9' | '-' => Token::Number(literal()?),
            sign => Token::Sign(sign),
        });
        rest = after.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    }
    Ok(tokens)
}

fn end_of(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// Where a text in quotes ends.
fn text_end(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        ends
    });
    end.map(|(at, _)| at.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_read_with_its_variables_put_in() {
        let variables = json!({"id": "gid://shopify/Customer/7", "input": {"note": "x"}});
        let text = r#"query Look($id: ID!, $none: [String!]) {
            a: customer(id: $id, after: $none, by: {email: "a\"b", first: 3, is: true, sort: UPDATED_AT}) { id ... on Node { id } }
        }"#;
        let document = read(text, variables.as_object().unwrap()).unwrap();
        assert!(!document.is_mutation);
        let field = &document.fields[0];
        assert_eq!((field.alias.as_str(), field.name.as_str()), ("a", "customer"));
        assert_eq!(field.text("id"), Some("gid://shopify/Customer/7"));
        assert!(!field.arguments.contains_key("after"));
        assert_eq!(*field.argument("by"), json!({"email": "a\"b", "first": 3, "is": true, "sort": "UPDATED_AT"}));
        assert_eq!((field.fields[0].name.as_str(), field.fields[1].on.as_deref()), ("id", Some("Node")));
        assert!(read("mutation($i: X!) { go(input: $i) { id } }", &Map::new()).unwrap().is_mutation);
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for text in ["", "query", "{ a", "{ a(b: \"c) }", "{ a(b: 1x) }", "{ .. on X { a } }", "{ a } }", "{ : }"] {
            assert!(read(text, &Map::new()).is_err(), "{text}");
        }
    }
}

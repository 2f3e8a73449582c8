//! What a migration may not do while the version before runs on beside it. How a migration is written is the module's above.

use super::LAST_FREE;
use crate::tidy::Finding;
use crate::tidy::tree::File;

#[cfg(test)]
mod tests;

/// How somebody says that the version before minds none of it.
const CONTRACT: &str = "-- contract: ";

/// Before what is carried out in a block, by `EXECUTE` or in a `WITH`.
const OPENINGS: [&str; 7] = [" begin ", " loop ", " then ", " else ", "execute format('", "execute '", " as ("];

/// What the version that still runs could miss once a migration is applied, or could be refused.
#[derive(Clone, Copy, Debug)]
enum Harm<'a> {
    /// It may still use this.
    Takes(&'a str),
    /// It may still write otherwise.
    Demands(&'a str),
}

impl<'a> Harm<'a> {
    fn act(self) -> &'a str {
        match self {
            Self::Takes(act) | Self::Demands(act) => act,
        }
    }

    /// What can be said, of a version, for which it is none.
    fn denial(self) -> &'static str {
        match self {
            Self::Takes(_) => "no longer reads it",
            Self::Demands(_) => "keeps to it",
        }
    }
}

/// A migration goes first and the services after it, so those that still run have to do with what it leaves.
pub(super) fn contract(up: &File, statements: &str, all: &str) -> Option<Finding> {
    let name = up.path.split('/').nth(1).unwrap_or_default();
    let statements = without_bodies(statements);
    let harms = harms(&statements, all);
    let denied = |denial: &str| {
        let said = up.text.lines().filter_map(|line| line.trim().strip_prefix(CONTRACT));
        said.filter(|said| said.trim_end_matches('.').ends_with(denial)).count()
    };
    // Each has to be denied: who says it of one column has not said it of the next.
    let harm = ["no longer reads it", "keeps to it"]
        .into_iter()
        .find_map(|denial| harms.iter().filter(|harm| harm.denial() == denial).nth(denied(denial)))?;
    let advice = format!(
        "`{}`: the version before runs on beside it. Leave it for one release, and say then from which: \
         `{CONTRACT}VERSION {}`",
        harm.act(),
        harm.denial()
    );
    (name > LAST_FREE).then(|| Finding::of(&up.path, advice))
}

/// All that may harm the version that still runs. What was made before in the same migration it does not know yet.
fn harms<'a>(statements: &'a str, all: &str) -> Vec<Harm<'a>> {
    let (mut harms, mut made) = (Vec::new(), Vec::new());
    for statement in statements.split(';') {
        for act in acts(statement) {
            match altered(act) {
                Some((table, _)) if made.contains(&table) => {}
                Some((_, actions)) => harms.extend(actions.into_iter().filter_map(|action| of_action(action, all))),
                None => harms.extend(of_statement(act, &made, all)),
            }
        }
        made.extend(makes(statement));
    }
    harms
}

/// What a migration carries out: what stands in a function is carried out when that is called.
fn without_bodies(statements: &str) -> String {
    let mut before = "";
    let kept = statements.split("$$").enumerate().filter(|(place, part)| {
        let opens = before.rsplit(';').next().unwrap_or_default();
        let is_body = place % 2 == 1 && !opens.trim_start().starts_with("do ");
        before = *part;
        !is_body
    });
    kept.map(|(_, part)| part).collect::<Vec<_>>().join("$$")
}

/// A statement, and what it ends with where it is in a block: `do $$ begin alter table a` is `alter table a` as well.
fn acts(statement: &str) -> impl Iterator<Item = &str> {
    let within = OPENINGS.into_iter().flat_map(move |opening| {
        statement.match_indices(opening).filter_map(move |(place, _)| statement.get(place + opening.len()..))
    });
    std::iter::once(statement).chain(within).map(str::trim)
}

/// The name of the table, function or view that is made.
fn makes(statement: &str) -> Option<&str> {
    let (sort, rest) = statement.trim_start().strip_prefix("create ")?.split_once(' ')?;
    let name = rest.trim_start_matches("if not exists ").split([' ', '(']).next()?;
    ["table", "function", "view"].contains(&sort).then_some(name)
}

/// Which table is altered, and by what.
fn altered(act: &str) -> Option<(&str, Vec<&str>)> {
    let rest = act.strip_prefix("alter table ")?;
    let (table, actions) = rest.trim_start_matches("if exists ").trim_start_matches("only ").split_once(' ')?;
    Some((table, parts(actions)))
}

/// What stands between the commas, but for those within parentheses and brackets.
fn parts(list: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    let parts = list.split(|letter: char| {
        match letter {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    });
    parts.map(str::trim).collect()
}

/// What is done to a table that was there.
fn of_action<'a>(action: &'a str, all: &str) -> Option<Harm<'a>> {
    let (verb, rest) = action.split_once(' ')?;
    match verb {
        "drop" if rest.starts_with("constraint ") => is_named_by_conflicts(rest, all).then_some(Harm::Takes(action)),
        "drop" | "rename" | "detach" => Some(Harm::Takes(action)),
        "alter" => {
            let (_, change) = rest.strip_prefix("column ").unwrap_or(rest).split_once(' ')?;
            // What may be empty once its NOT NULL is dropped, the version before could not read.
            if ["drop ", "type ", "set data type "].iter().any(|words| change.starts_with(words)) {
                return Some(Harm::Takes(action));
            }
            change.starts_with("set not null").then_some(Harm::Demands(action))
        }
        "add" => is_narrower(rest).then_some(Harm::Demands(action)),
        // Rows that no policy lets it see are gone for it.
        "enable" | "force" if rest.starts_with("row level security") => Some(Harm::Takes(action)),
        _ => None,
    }
}

/// Whether a constraint is one by which an `ON CONFLICT` finds its row. What any other let through before it went is let through afterwards.
fn is_named_by_conflicts(dropped: &str, all: &str) -> bool {
    let name = dropped.trim_start_matches("constraint ").trim_start_matches("if exists ").split(' ').next();
    name.is_some_and(|name| {
        let is_made = |sort: &str| all.contains(&format!("constraint {name} {sort}"));
        // What PostgreSQL calls those that nobody has named.
        name.ends_with("_key") || name.ends_with("_pkey") || is_made("unique") || is_made("primary key")
    })
}

/// Whether what is added refuses what the version before writes: a column that may not be left empty, or a constraint.
///
/// One that is `NOT VALID` for the rows that are there holds for every row that is written. A column's own check lets pass what is empty,
/// but where it says otherwise.
fn is_narrower(added: &str) -> bool {
    let first = added.split([' ', '(']).next().unwrap_or_default();
    let is_filled = || [" default ", " generated "].iter().any(|words| added.contains(words));
    ["constraint", "check", "unique", "primary", "foreign", "exclude"].contains(&first)
        || ([" not null", " primary key"].iter().any(|words| added.contains(words)) && !is_filled())
        // All that it fills with one value are alike.
        || (added.contains(" unique") && added.contains(" default "))
}

/// What is done otherwise than by altering a table.
fn of_statement<'a>(act: &'a str, made: &[&str], all: &str) -> Option<Harm<'a>> {
    let (verb, rest) = act.split_once(' ')?;
    match verb {
        "drop" => is_missed(rest, all).then_some(Harm::Takes(act)),
        "truncate" => Some(Harm::Takes(act)),
        "delete" => {
            let table = rest.strip_prefix("from ")?.trim_start_matches("only ").split([' ', ')']).next()?;
            (!made.contains(&table)).then_some(Harm::Takes(act))
        }
        "revoke" => (!is_of(rest, made)).then_some(Harm::Takes(act)),
        "alter" => (rest.contains(" rename ") || rest.starts_with("policy ")).then_some(Harm::Takes(act)),
        "create" => {
            let rest = rest.strip_prefix("or replace ").unwrap_or(rest);
            let (sort, table) = rest.split_once(" on ")?;
            let table = table.trim_start_matches("only ").split([' ', '(']).next()?;
            let is_of = |sorts: &[&str]| sorts.iter().any(|words| sort.starts_with(words));
            let harm = if is_of(&["unique index", "trigger ", "constraint trigger "]) {
                Harm::Demands(act)
            } else if is_of(&["policy "]) && rest.contains(" as restrictive") {
                Harm::Takes(act)
            } else {
                return None;
            };
            (!made.contains(&table)).then_some(harm)
        }
        _ => None,
    }
}

/// Whether what is dropped is more than what makes something fast: a unique index is named by the columns of an `ON CONFLICT`.
fn is_missed(dropped: &str, all: &str) -> bool {
    let Some(indexes) = dropped.strip_prefix("index ") else { return true };
    let names = parts(indexes.trim_start_matches("concurrently ").trim_start_matches("if exists "));
    let mut names = names.into_iter().filter_map(|name| name.split(' ').next());
    names.any(|name| all.contains(&format!("create unique index {name} ")))
}

/// Whether rights are revoked of nothing but what is made here, as that everybody may call a function.
fn is_of(revoked: &str, made: &[&str]) -> bool {
    let Some((names, _)) = revoked.split_once(" on ").and_then(|(_, rest)| rest.rsplit_once(" from ")) else {
        return false;
    };
    let names = ["function ", "table "].into_iter().find_map(|sort| names.strip_prefix(sort)).unwrap_or(names);
    parts(names).into_iter().filter_map(|name| name.split('(').next()).all(|name| made.contains(&name))
}

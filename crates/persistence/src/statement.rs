//! SQL that is planned once a connection, and not at each use. What it says is the other modules'.

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{HasSqlType, Untyped};
use diesel_async::RunQueryDsl;

use crate::{PersistenceError, Transaction};

/// Prepares a statement, as `diesel::sql_query` does, but keeps its plan with the connection: parsing and planning was most of what
/// the database did. The text must be one of few, so never made of values.
pub(crate) fn sql_query(sql: impl Into<String>) -> Statement {
    Statement { sql: sql.into(), bound: Nothing }
}

/// Lets one plan serve for all values, from the first use on, in what follows of the transaction.
///
/// For what is looked for in every partition of a log: PostgreSQL would plan it anew the first five times in each connection, and for
/// ever where the values let it hope to leave some partitions out, which costs more than to look there.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn plan_once(tx: &mut Transaction) -> Result<(), PersistenceError> {
    sql_query("SELECT set_config('plan_cache_mode', 'force_generic_plan', true)").execute(&mut **tx).await?;
    Ok(())
}

/// Lets each use be planned for its own values, in what follows of the transaction: for what is looked for in a few partitions only,
/// of which a plan for all knows nothing, or in a table that is all but empty at one time and full at another.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn plan_anew(tx: &mut Transaction) -> Result<(), PersistenceError> {
    sql_query("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)").execute(&mut **tx).await?;
    Ok(())
}

/// The conditions that are asked for, one behind the other: each finds its index only where no other could have been meant.
pub(crate) fn asked_for<const COUNT: usize>(conditions: [(bool, &str); COUNT]) -> String {
    conditions.into_iter().filter_map(|(is_asked, condition)| is_asked.then_some(condition)).collect()
}

/// Selects columns of what is found, as many rows as `$2`: one of each tenant, then a second of each, and so on, any of a tenant's. For
/// what may fail each time and stays: it keeps nobody else's waiting, nor for ever what its own tenant has beside it.
///
/// What was selected comes in the order of its `since`, the column that says from when on it waited.
pub(crate) fn in_turns(columns: &str, since: &str, found: &str) -> String {
    format!(
        "SELECT {columns}, since FROM (
             SELECT {columns}, {since} AS since, row_number() OVER (PARTITION BY tenant_id ORDER BY random()) AS turn
             FROM {found} ORDER BY turn LIMIT $2
         ) AS selected ORDER BY since"
    )
}

/// A statement with its parameters, in their order.
#[derive(Clone, Debug)]
#[must_use = "a statement does nothing until it is executed or loaded"]
pub(crate) struct Statement<B = Nothing> {
    sql: String,
    bound: B,
}

/// No parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nothing;

/// One more parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound<B, ST, V> {
    before: B,
    value: V,
    sql_type: PhantomData<ST>,
}

impl<B> Statement<B> {
    /// Gives the next parameter its value.
    pub(crate) fn bind<ST, V>(self, value: V) -> Statement<Bound<B, ST, V>> {
        Statement { sql: self.sql, bound: Bound { before: self.bound, value, sql_type: PhantomData } }
    }
}

/// Whether the columns of the result are the same for as long as the text is. A star names those that a table has, and PostgreSQL
/// refuses a kept plan whose columns have become others, as they do when a newer version migrates beside this one. What writes
/// results in what it returns, whatever it selects on the way.
fn names_its_columns(sql: &str) -> bool {
    let writes = ["INSERT", "UPDATE", "DELETE"].into_iter().any(|verb| sql.trim_start().starts_with(verb));
    let returned = sql.rsplit_once("RETURNING").map(|(_, columns)| columns);
    if writes {
        return !returned.is_some_and(|columns| columns.contains('*'));
    }
    !["SELECT *", ".*"].into_iter().any(|star| sql.contains(star))
}

impl<B: QueryFragment<Pg>> QueryFragment<Pg> for Statement<B> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if !names_its_columns(&self.sql) {
            out.unsafe_to_cache_prepared();
        }
        out.push_sql(&self.sql);
        self.bound.walk_ast(out)
    }
}

impl QueryFragment<Pg> for Nothing {
    fn walk_ast<'b>(&'b self, _out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        Ok(())
    }
}

impl<B, ST, V> QueryFragment<Pg> for Bound<B, ST, V>
where
    B: QueryFragment<Pg>,
    V: ToSql<ST, Pg>,
    Pg: HasSqlType<ST>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.before.walk_ast(out.reborrow())?;
        out.push_bind_param_value_only(&self.value)
    }
}

impl<B> QueryId for Statement<B> {
    type QueryId = ();

    // The text is the key under which its plan is kept.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<B> Query for Statement<B> {
    type SqlType = Untyped;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_statement_that_names_its_columns_keeps_its_plan() {
        for kept in [
            "SELECT id, name FROM tenants",
            "SELECT count(*) FROM records",
            "\nINSERT INTO records (id)\n         SELECT * FROM unnest($1)",
            "INSERT INTO records (tenant_id, id) SELECT $1, new.* FROM unnest($2) AS new (id) RETURNING id",
        ] {
            assert!(names_its_columns(kept), "{kept}");
        }
        for star in [
            "SELECT * FROM api_tokens",
            "SELECT tenant.* FROM tenants AS tenant",
            "UPDATE records SET version = 1 RETURNING *",
            "WITH found AS (SELECT id FROM records) SELECT found.* FROM found",
        ] {
            assert!(!names_its_columns(star), "{star}");
        }
    }
}

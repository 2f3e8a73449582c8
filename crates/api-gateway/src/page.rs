//! The forms of lists in answers, and the limits of a page. What is listed is each handler's.

use std::str::FromStr;

use domain::id::TenantId;
use persistence::log_page::{LogPage, LogRow};
use persistence::{PersistenceError, Scope, Transaction};
use runtime::http::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::refusal::Refusal;
use crate::state::Gateway;

/// Items in one answer, unless the caller wants fewer or more.
pub(crate) const PAGE: u32 = 50;

/// Items in one answer at most.
pub(crate) const PAGE_LIMIT: u32 = 200;

/// All there is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    /// The items.
    pub(crate) data: Vec<T>,
}

/// A part of a list that goes on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The items of this part.
    pub(crate) data: Vec<T>,
    /// Asks for the part behind this one, as the parameter `cursor`; `null` at the end. It stays good while items come
    /// and go.
    pub(crate) next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The first `limit` of `found`; a part that is full has another behind it, at the `place` of its last item.
    pub(crate) fn of(found: Vec<T>, limit: u32, place: impl FnOnce(&T) -> String) -> Self {
        let is_full = u32::try_from(found.len()).is_ok_and(|count| count >= limit);
        let next_cursor = found.last().filter(|_| is_full).map(place);
        Self { data: found, next_cursor }
    }

    /// The same items in another form.
    pub(crate) fn map<U>(self, show: impl FnMut(T) -> U) -> Page<U> {
        Page { data: self.data.into_iter().map(show).collect(), next_cursor: self.next_cursor }
    }
}

impl<T: LogRow> Page<T> {
    /// The part of a log that was wanted.
    pub(crate) fn of_log(found: Vec<T>, wanted: &LogPage) -> Self {
        Self::of(found, wanted.limit, |last| last.cursor().to_string())
    }

    /// The part of a log of the tenant's that is wanted, as `list` finds it.
    pub(crate) async fn read(
        gateway: &Gateway,
        tenant: TenantId,
        wanted: &LogPage,
        list: impl AsyncFnOnce(&mut Transaction, TenantId, &LogPage) -> Result<Vec<T>, PersistenceError>,
    ) -> Result<Self, Problem> {
        let mut tx = gateway.database.begin(Scope::Tenant(tenant)).await?;
        let found = list(&mut tx, tenant, wanted).await?;
        tx.commit().await?;
        Ok(Self::of_log(found, wanted))
    }
}

/// Which part of a list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// The `next_cursor` of the part before.
    cursor: Option<String>,
    /// Items in the answer.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
}

impl Part {
    /// The part of a log.
    pub(crate) fn of_log(&self) -> Result<LogPage, Refusal> {
        of_log(self.limit, self.cursor.as_deref())
    }

    /// Behind which item, in a list whose items are known by their ids, and how many.
    pub(crate) fn of_ids<T: FromStr>(&self) -> Result<(Option<T>, u32), Refusal> {
        Ok((place(self.cursor.as_deref())?, limit(self.limit)?))
    }
}

/// Which part of a log a caller wants.
pub(crate) fn of_log(limit: Option<u32>, cursor: Option<&str>) -> Result<LogPage, Refusal> {
    let limit = self::limit(limit)?;
    Ok(LogPage { after: place(cursor)?, limit })
}

/// Behind which item a caller wants to go on.
pub(crate) fn place<T: FromStr>(cursor: Option<&str>) -> Result<Option<T>, Refusal> {
    let place = cursor.map(str::parse).transpose();
    place.map_err(|_not_one| Refusal::at("cursor", "must be a `next_cursor` of this list"))
}

/// How many items a caller wants: 1 to 200, 50 where nothing is said.
pub(crate) fn limit(wanted: Option<u32>) -> Result<u32, Refusal> {
    let limit = wanted.unwrap_or(PAGE);
    if (1..=PAGE_LIMIT).contains(&limit) {
        Ok(limit)
    } else {
        Err(Refusal::at("limit", format!("must lie between 1 and {PAGE_LIMIT}")))
    }
}

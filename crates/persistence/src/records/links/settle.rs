//! Giving a link back with what came of it; only under the token that it was taken with.

use std::borrow::Cow;

use diesel::QueryableByName;
use diesel::sql_types::{Array, Bool, Jsonb, Text};
use diesel_async::RunQueryDsl;
use domain::field::RemoteFields;
use domain::id::{LeaseToken, LinkId, RecordId};
use domain::link::LinkState;
use domain::outcome::{SyncError, SyncOutcome};
use domain::time::Timestamp;
use domain::workflow::Errand;
use serde::Serialize;

use crate::statement::sql_query;
use crate::text::{parse, to_json};
use crate::{PersistenceError, Transaction};

/// How work on a link ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// What was known of is in step.
    InStep,
    /// Nothing was tried; it is due again at this time, or at once.
    Released(Option<Timestamp>),
    /// Nothing was tried; its contact has to be there first.
    WaitsForContact,
    /// An attempt failed and another is due at this time.
    Retry {
        /// When.
        not_before: Timestamp,
        /// Why the attempt failed.
        error: SyncError,
    },
    /// An attempt failed and none is left, or none would help.
    Blocked {
        /// Why.
        error: SyncError,
    },
}

/// What came of the work on one link.
#[derive(Clone, Debug)]
pub struct Settlement<'a> {
    /// The link.
    pub link: LinkId,
    /// The record it belongs to by now.
    pub record: Option<RecordId>,
    /// What is remembered of the system from now on.
    pub state: Cow<'a, LinkState>,
    /// Whether we deleted the object there.
    pub gone: bool,
    /// The record's version that was reached.
    pub synced_version: i64,
    /// The record's version that was tried; a failure at it does not block a later one.
    pub tried_version: i64,
    /// The mapping's version that was reached.
    pub synced_mapping: i64,
    /// The mapping's version that was tried.
    pub tried_mapping: i64,
    /// The newest change there that was heard of when the work began; a failure does not block what came later.
    pub heard_seq: i64,
    /// The change there that was read.
    pub read_seq: i64,
    /// Failed attempts so far.
    pub attempts: u32,
    /// Whether a write may have happened of which nothing is known.
    pub intent_is_open: bool,
    /// What is in a workflow's hands from now on.
    pub errand: Option<Errand>,
    /// The id that a workflow reported, where it still has to be read.
    pub hinted_id: Option<String>,
    /// How it ended.
    pub ending: Ending,
    /// What was tried.
    pub outcomes: Cow<'a, [SyncOutcome]>,
}

/// A link that was given back.
#[derive(Clone, Copy, Debug)]
pub struct Settled {
    /// The link.
    pub link: LinkId,
    /// Whether more is owed already.
    pub is_owed: bool,
    /// Whether it waits, for its contact or until a time: not for a contact, nor after a failure, where something became owed
    /// meanwhile.
    pub waits: bool,
}

/// The columns of a settlement, as `jsonb_to_recordset` reads them.
#[derive(Serialize)]
struct Row<'a> {
    id: String,
    record_id: Option<String>,
    external_id: Option<&'a str>,
    gone: bool,
    sent: &'a RemoteFields,
    seen: &'a RemoteFields,
    seen_at: Option<Timestamp>,
    synced_version: i64,
    tried_version: i64,
    synced_mapping: i64,
    tried_mapping: i64,
    heard_seq: i64,
    read_seq: i64,
    attempts: u32,
    intent_is_open: bool,
    errand: Option<&'a Errand>,
    hinted_id: Option<&'a str>,
    blocked: bool,
    not_before: Option<Timestamp>,
    waits_for: Option<&'static str>,
    error_class: Option<&'static str>,
    error_code: Option<&'a str>,
    error_message: Option<&'a str>,
    fingerprint: Option<String>,
    outcomes: &'a [SyncOutcome],
}

impl<'a> Row<'a> {
    fn of(settlement: &'a Settlement<'_>) -> Self {
        let (error, not_before) = match &settlement.ending {
            Ending::InStep | Ending::WaitsForContact => (None, None),
            Ending::Released(not_before) => (None, *not_before),
            Ending::Retry { not_before, error } => (Some(error), Some(*not_before)),
            Ending::Blocked { error } => (Some(error), None),
        };
        Row {
            id: settlement.link.to_string(),
            record_id: settlement.record.map(|id| id.to_string()),
            external_id: settlement.state.external_id.as_deref(),
            gone: settlement.gone,
            sent: &settlement.state.sent,
            seen: &settlement.state.seen,
            seen_at: settlement.state.seen_at,
            synced_version: settlement.synced_version,
            tried_version: settlement.tried_version,
            synced_mapping: settlement.synced_mapping,
            tried_mapping: settlement.tried_mapping,
            heard_seq: settlement.heard_seq,
            read_seq: settlement.read_seq,
            attempts: settlement.attempts,
            intent_is_open: settlement.intent_is_open,
            errand: settlement.errand.as_ref(),
            hinted_id: settlement.hinted_id.as_deref(),
            blocked: matches!(settlement.ending, Ending::Blocked { .. }),
            not_before,
            waits_for: matches!(settlement.ending, Ending::WaitsForContact).then_some("contact"),
            error_class: error.map(|error| error.class.code()),
            error_code: error.map(|error| error.code.as_str()),
            error_message: error.map(|error| error.message.as_str()),
            fingerprint: error.map(SyncError::fingerprint),
            outcomes: &settlement.outcomes,
        }
    }
}

/// The links are locked in the order of their ids. A failure says nothing of what became owed meanwhile: that is due at once, and has
/// all its attempts. Outcomes are left to be published where the link was still held.
const SETTLE: &str = "
WITH settled AS (
UPDATE record_links AS link SET
    record_id = coalesce(link.record_id, new.record_id),
    external_id = new.external_id, gone = new.gone, sent = new.sent, seen = new.seen, seen_at = new.seen_at,
    synced_version = new.synced_version, synced_mapping = new.synced_mapping, read_seq = new.read_seq,
    attempts = CASE WHEN new.error_class IS NULL OR (
        link.wanted_version <= new.tried_version AND link.wanted_mapping <= new.tried_mapping
        AND link.remote_seq <= new.heard_seq) THEN new.attempts ELSE 0 END,
    not_before = CASE WHEN new.error_class IS NULL OR (
        link.wanted_version <= new.tried_version AND link.wanted_mapping <= new.tried_mapping
        AND link.remote_seq <= new.heard_seq) THEN new.not_before END,
    waits_for = CASE WHEN link.wanted_version <= new.tried_version AND link.wanted_mapping <= new.tried_mapping
                      AND link.remote_seq <= new.heard_seq THEN new.waits_for END,
    error_class = new.error_class, error_code = new.error_code, error_message = new.error_message,
    fingerprint = new.fingerprint, failed_at = CASE WHEN new.error_class IS NOT NULL THEN now() END,
    blocked_at = CASE WHEN new.blocked AND link.wanted_version <= new.tried_version
                       AND link.wanted_mapping <= new.tried_mapping AND link.remote_seq <= new.heard_seq THEN now() END,
    owed_since = CASE WHEN new.synced_version < link.wanted_version OR new.synced_mapping < link.wanted_mapping
                        OR new.read_seq < link.remote_seq THEN link.owed_since END,
    intent_at = CASE WHEN new.intent_is_open THEN link.intent_at END,
    intended = CASE WHEN new.intent_is_open THEN link.intended END,
    errand = new.errand, hinted_id = new.hinted_id,
    lease_token = NULL, lease_until = NULL, updated_at = now()
FROM jsonb_to_recordset($2) AS new (
    id text, record_id text, external_id text, gone boolean, sent jsonb, seen jsonb, seen_at timestamptz,
    synced_version bigint, tried_version bigint, synced_mapping bigint, tried_mapping bigint, heard_seq bigint,
    read_seq bigint, attempts integer,
    intent_is_open boolean, errand jsonb, hinted_id text, blocked boolean, not_before timestamptz, waits_for text, error_class text,
    error_code text, error_message text, fingerprint text, outcomes jsonb)
 JOIN (SELECT id FROM record_links WHERE id = ANY($3) AND lease_token = $1 ORDER BY id FOR UPDATE) AS held ON held.id = new.id
WHERE link.id = held.id AND link.lease_token = $1
RETURNING link.id, link.tenant_id, link.owed, link.waits_for IS NOT NULL OR link.not_before IS NOT NULL AS waits,
    new.outcomes
), left_to_publish AS (
    INSERT INTO unpublished_outcomes (id, link_id, tenant_id, outcome)
    SELECT outcome ->> 'id', settled.id, settled.tenant_id, outcome
    FROM settled, jsonb_array_elements(settled.outcomes) AS outcome
)
SELECT id, owed, waits FROM settled";

/// Gives links back. Those that the caller no longer holds stay as they are and are not returned.
///
/// # Errors
/// [`PersistenceError`] of kind `Conflict` where an external id is another link's already, or when the database does not
/// answer.
pub async fn settle(
    tx: &mut Transaction,
    token: LeaseToken,
    settlements: &[Settlement<'_>],
) -> Result<Vec<Settled>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Given {
        #[diesel(sql_type = Text)]
        id: String,
        #[diesel(sql_type = Bool)]
        owed: bool,
        #[diesel(sql_type = Bool)]
        waits: bool,
    }
    if settlements.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row<'_>> = settlements.iter().map(Row::of).collect();
    let given: Vec<Given> = sql_query(SETTLE)
        .bind::<Text, _>(token.to_string())
        .bind::<Jsonb, _>(to_json(&rows)?)
        .bind::<Array<Text>, _>(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>())
        .load(&mut **tx)
        .await?;
    let settled = |row: Given| Ok(Settled { link: parse("id", &row.id)?, is_owed: row.owed, waits: row.waits });
    given.into_iter().map(settled).collect()
}

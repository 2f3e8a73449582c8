//! Taking a link: one conditional UPDATE, and whoever fails to get it leaves it alone.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, LeaseToken, LinkId, RecordId, TenantId};
use domain::kind::RecordKind;
use domain::link::LinkState;
use domain::message::RecordPush;
use domain::time::Timestamp;
use domain::workflow::Errand;

use super::PushRow;
use super::intent::Intent;
use crate::statement::sql_query;
use crate::text::{Json, from_json, parse};
use crate::{PersistenceError, Transaction};

/// A link that the caller holds.
#[derive(Clone, Debug)]
pub struct Leased {
    /// Its name on the broker.
    pub push: RecordPush,
    /// The record; `None` while the remote object has not been read yet.
    pub record: Option<RecordId>,
    /// What the record is.
    pub kind: RecordKind,
    /// What is remembered of the system.
    pub state: LinkState,
    /// Whether we deleted the object there.
    pub gone: bool,
    /// The version that was last reached.
    pub synced_version: i64,
    /// The mapping's version that was last reached.
    pub synced_mapping: i64,
    /// How many changes there were heard of.
    pub remote_seq: i64,
    /// How many of them were read.
    pub read_seq: i64,
    /// Failed attempts so far.
    pub attempts: u32,
    /// A write that was begun and whose outcome is not known.
    pub intent: Option<Intent>,
    /// A write that is, or was, in a workflow's hands.
    pub errand: Option<Errand>,
    /// The id that a workflow reported, until a read has shown it.
    pub hinted_id: Option<String>,
    /// Whether somebody held it before and never gave it back: then the remote is read first.
    pub was_taken_over: bool,
    /// When it was taken, by the clock that notes when writes were begun.
    pub at: Timestamp,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(embed)]
    push: PushRow,
    #[diesel(sql_type = Nullable<Text>)]
    record_id: Option<String>,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    external_id: Option<String>,
    #[diesel(sql_type = Bool)]
    gone: bool,
    #[diesel(sql_type = Jsonb)]
    sent: Json,
    #[diesel(sql_type = Jsonb)]
    seen: Json,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    seen_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = BigInt)]
    synced_version: i64,
    #[diesel(sql_type = BigInt)]
    synced_mapping: i64,
    #[diesel(sql_type = BigInt)]
    remote_seq: i64,
    #[diesel(sql_type = BigInt)]
    read_seq: i64,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    intent_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    intended: Option<Json>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    errand: Option<Json>,
    #[diesel(sql_type = Nullable<Text>)]
    hinted_id: Option<String>,
    #[diesel(sql_type = Bool)]
    was_taken_over: bool,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

impl Row {
    fn into_leased(self) -> Result<Leased, PersistenceError> {
        Ok(Leased {
            push: self.push.into_push()?,
            record: self.record_id.as_deref().map(|id| parse("record_id", id)).transpose()?,
            kind: parse("kind", &self.kind)?,
            state: LinkState {
                external_id: self.external_id,
                sent: from_json("sent", self.sent)?,
                seen: from_json("seen", self.seen)?,
                seen_at: self.seen_at.map(Timestamp::from),
                told_at: None,
            },
            gone: self.gone,
            synced_version: self.synced_version,
            synced_mapping: self.synced_mapping,
            remote_seq: self.remote_seq,
            read_seq: self.read_seq,
            attempts: u32::try_from(self.attempts).unwrap_or_default(),
            intent: Intent::noted(self.intent_at, self.intended)?,
            errand: self.errand.map(|errand| from_json("errand", errand)).transpose()?,
            hinted_id: self.hinted_id,
            was_taken_over: self.was_taken_over,
            at: self.at.into(),
        })
    }
}

/// Takes those of an integration's links that are owed, due and free, for `duration`. The rest stays as it is.
///
/// # Errors
/// When the database does not answer.
pub async fn lease(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    links: &[LinkId],
    token: LeaseToken,
    duration: Duration,
) -> Result<Vec<Leased>, PersistenceError> {
    // Each link is named in full, and asked whether it is owed, as `named` explains.
    let rows: Vec<Row> = sql_query(
        "UPDATE record_links AS link SET lease_token = $2, lease_until = now() + make_interval(secs => $3)
         FROM (
             SELECT found.id, found.lease_token IS NOT NULL AS was_taken_over
             FROM unnest($1, $5) AS named (id, integration_id)
             JOIN record_links AS found ON found.id = named.id AND found.integration_id = named.integration_id
             WHERE found.tenant_id = $4 AND found.owed::int = 1
               AND (found.lease_until IS NULL OR found.lease_until < now())
               AND (found.not_before IS NULL OR found.not_before <= now())
             ORDER BY found.id FOR UPDATE OF found SKIP LOCKED
         ) AS free
         WHERE link.id = free.id
         RETURNING link.id, tenant_id, integration_id, record_id, kind, external_id, gone, sent, seen, seen_at,
                   synced_version, synced_mapping, remote_seq, read_seq, attempts, intent_at, intended, errand,
                   hinted_id, was_taken_over, clock_timestamp() AS at",
    )
    .bind::<Array<Text>, _>(links.iter().map(ToString::to_string).collect::<Vec<_>>())
    .bind::<Text, _>(token.to_string())
    .bind::<Double, _>(duration.as_secs_f64())
    .bind::<Text, _>(tenant.to_string())
    .bind::<Array<Text>, _>(vec![integration.to_string(); links.len()])
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(Row::into_leased).collect()
}

/// Gives up what is held by `token` without having settled it: the links are free at once, and whoever takes them next
/// reads the remote first, as after a lease that ran out.
///
/// # Errors
/// When the database does not answer; then the leases run out by themselves.
pub async fn give_up(tx: &mut Transaction, links: &[LinkId], token: LeaseToken) -> Result<(), PersistenceError> {
    // Another token, so that nobody settles by the old one, and not none: somebody may have written there.
    sql_query(
        "UPDATE record_links SET lease_token = 'given up', lease_until = now()
         WHERE id IN (SELECT id FROM record_links WHERE id = ANY($1) AND lease_token = $2 ORDER BY id FOR UPDATE)",
    )
    .bind::<Array<Text>, _>(links.iter().map(ToString::to_string).collect::<Vec<_>>())
    .bind::<Text, _>(token.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Gives links that only said "heard of" the records that were made of what they name, in the transaction that makes these.
///
/// Whoever looks for records without a link finds none. Returns how many of these links the caller still holds: the records of the
/// others are not to be made, since somebody else makes theirs.
///
/// # Errors
/// When the database does not answer.
pub async fn attach(
    tx: &mut Transaction,
    made: &[(LinkId, RecordId, i64)],
    mapping: i64,
    token: LeaseToken,
) -> Result<usize, PersistenceError> {
    if made.is_empty() {
        return Ok(0);
    }
    // Each link is named by its id, and asked whether it has a record, as `named` explains.
    let attached = sql_query(
        "UPDATE record_links AS link SET record_id = made.record_id,
             wanted_version = greatest(link.wanted_version, made.version), wanted_mapping = greatest(link.wanted_mapping, $4)
         FROM (
             SELECT held.id, new.record_id, new.version FROM unnest($1, $2, $3) AS new (id, record_id, version)
             JOIN record_links AS held ON held.id = new.id
             WHERE held.lease_token = $5 AND coalesce(held.record_id, '') = ''
             ORDER BY held.id FOR UPDATE OF held
         ) AS made
         WHERE link.id = made.id",
    )
    .bind::<Array<Text>, _>(made.iter().map(|(link, ..)| link.to_string()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(made.iter().map(|(_, record, _)| record.to_string()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(made.iter().map(|(.., version)| *version).collect::<Vec<_>>())
    .bind::<BigInt, _>(mapping)
    .bind::<Text, _>(token.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(attached)
}

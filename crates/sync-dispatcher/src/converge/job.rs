//! One link on its way through a batch: what is known of it so far, and how it ended.

use std::borrow::Cow;

use connectors::error::ConnectorError;
use domain::id::{RecordId, SyncLogId};
use domain::link::{LinkState, RemoteObject};
use domain::outcome::{FieldChanges, SyncError, SyncOutcome, SyncType};
use domain::record::Record;
use domain::redaction::Redactor;
use domain::time::Timestamp;
use domain::trace::TraceParent;
use domain::workflow::Errand;
use persistence::records::links::{Ending, Leased, Settlement};
use serde_json::Value;

/// What a look at the platform showed.
#[derive(Clone, Debug, Default)]
pub(super) enum Seen {
    /// Nobody had to look.
    #[default]
    Unasked,
    /// The object, as it is there.
    There(RemoteObject),
    /// There is no such object.
    Missing,
}

#[derive(Debug)]
pub(super) struct Job {
    pub(super) leased: Leased,
    pub(super) trace: TraceParent,
    pub(super) record: Option<Record>,
    /// The records that became its record, where a write of ours is unaccounted for: what that made may bear the key of one of these.
    pub(super) former: Vec<RecordId>,
    /// Whether nobody knew the record before this batch.
    pub(super) is_record_new: bool,
    pub(super) state: LinkState,
    pub(super) gone: bool,
    /// The newest change there that was read, once the batch ends in step.
    pub(super) read_seq: i64,
    reads_again: bool,
    pub(super) attempts: u32,
    pub(super) intent_is_open: bool,
    /// What is in a workflow's hands once the link is given back.
    pub(super) errand: Option<Errand>,
    /// The id that a workflow reported, as long as nobody has read it.
    pub(super) hinted_id: Option<String>,
    pub(super) seen: Seen,
    pub(super) outcomes: Vec<SyncOutcome>,
    pub(super) ending: Option<Ending>,
}

/// One try at the platform, as the log shows it.
pub(super) struct Try {
    pub(super) sync_type: SyncType,
    pub(super) request: Option<Value>,
    pub(super) response: Option<Value>,
    pub(super) changes: FieldChanges,
    pub(super) duration_ms: u32,
    pub(super) error: Option<SyncError>,
}

impl Try {
    /// One of which nothing more is known.
    pub(super) fn new(sync_type: SyncType, duration_ms: u32) -> Self {
        let changes = FieldChanges::new();
        Self { sync_type, request: None, response: None, changes, duration_ms, error: None }
    }
}

impl Job {
    pub(super) fn new(leased: Leased, record: Option<Record>, trace: TraceParent) -> Self {
        Self {
            trace,
            record,
            former: Vec::new(),
            is_record_new: false,
            state: leased.state.clone(),
            gone: leased.gone,
            read_seq: leased.read_seq,
            reads_again: false,
            attempts: leased.attempts,
            intent_is_open: leased.intent.is_some(),
            errand: leased.errand.clone(),
            hinted_id: leased.hinted_id.clone(),
            seen: Seen::Unasked,
            outcomes: Vec::new(),
            ending: None,
            leased,
        }
    }

    /// Nothing was begun of what is noted: only what an earlier create may have left is still unaccounted for.
    pub(super) fn note_unbegun(&mut self) {
        self.intent_is_open = self.leased.intent.is_some() && self.state.external_id.is_none();
    }

    /// Whether nothing more is to be done for it in this batch.
    pub(super) fn has_ended(&self) -> bool {
        self.ending.is_some()
    }

    /// Whether something was heard of the object that nobody has read.
    pub(super) fn is_dirty(&self) -> bool {
        self.leased.remote_seq > self.leased.read_seq
    }

    /// Whether a key that stands on an object is that of its record, or of one that became it.
    pub(super) fn has_key(&self, key: RecordId) -> bool {
        self.record.as_ref().is_some_and(|record| record.id == key) || self.former.contains(&key)
    }

    /// Whether this object is what a workflow reported to have made.
    pub(super) fn is_hinted_at(&self, object: &RemoteObject) -> bool {
        self.leased.hinted_id.as_ref() == Some(&object.external_id)
    }

    /// Leaves the object to be read once more: something was heard of it that no look of this batch can have seen.
    pub(super) fn read_again(&mut self) {
        self.reads_again = true;
    }

    /// Notes what was tried.
    pub(super) fn log(&mut self, tried: Try) {
        self.outcomes.push(SyncOutcome {
            id: SyncLogId::new(),
            created_at: Timestamp::now(),
            tenant_id: self.leased.push.tenant_id,
            integration_id: self.leased.push.integration_id,
            link_id: self.leased.push.link_id,
            record_id: self.record.as_ref().map(|record| record.id),
            kind: self.leased.kind,
            sync_type: tried.sync_type,
            external_id: self.state.external_id.clone(),
            error: tried.error,
            request: tried.request,
            response: tried.response,
            changes: tried.changes,
            duration_ms: tried.duration_ms,
            attempt: self.leased.attempts + 1,
            correlation_id: self.trace.trace_id(),
        });
    }

    /// Notes what was tried and failed.
    pub(super) fn log_failure(&mut self, error: &ConnectorError, tried: Try) {
        let response = error.body.as_deref().cloned();
        let error = SyncError { class: error.kind, code: error.code.clone(), message: error.message.clone() };
        self.log(Try { error: Some(error), response, ..tried });
    }

    /// Takes out of what is noted what the tenant wants taken out.
    pub(super) fn redact(&mut self, redactor: &Redactor) {
        let noted = std::mem::take(&mut self.outcomes);
        self.outcomes = noted.into_iter().map(|outcome| redactor.outcome(outcome)).collect();
        if let Some(Ending::Retry { error, .. } | Ending::Blocked { error }) = &mut self.ending {
            *error = redactor.error(error.clone());
        }
    }

    /// The link as it is to be given back.
    pub(super) fn settlement(&self, mapping_version: i64) -> Settlement<'_> {
        let ending = self.ending.clone().unwrap_or(Ending::InStep);
        let version = self.record.as_ref().map_or(self.leased.synced_version, |record| record.version);
        let is_in_step = matches!(ending, Ending::InStep);
        // What was read but not brought to an end is read once more, or it would no longer be owed.
        let read_seq = if is_in_step { self.read_seq } else { self.leased.read_seq };
        Settlement {
            link: self.leased.push.link_id,
            record: self.record.as_ref().map(|record| record.id),
            state: Cow::Borrowed(&self.state),
            gone: self.gone,
            synced_version: if is_in_step { version } else { self.leased.synced_version },
            tried_version: version,
            synced_mapping: if is_in_step { mapping_version } else { self.leased.synced_mapping },
            tried_mapping: mapping_version,
            heard_seq: self.leased.remote_seq,
            read_seq: if self.reads_again { self.leased.remote_seq - 1 } else { read_seq },
            attempts: if is_in_step { 0 } else { self.attempts },
            intent_is_open: self.intent_is_open && !is_in_step,
            errand: self.errand.clone().filter(|_| !is_in_step),
            hinted_id: self.hinted_id.clone().filter(|_| !is_in_step),
            ending,
            outcomes: Cow::Borrowed(&self.outcomes),
        }
    }
}

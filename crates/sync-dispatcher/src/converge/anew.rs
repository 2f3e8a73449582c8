//! Fields that were mapped since a link was in step: for these its object is read before it is written to, and adopted.

use std::collections::BTreeSet;

use domain::field::FieldName;

use super::job::Job;
use super::session::Session;

impl Session<'_> {
    /// The fields that came into the mapping since the link was in step, and that nobody has taken from its object yet.
    pub(super) fn anew(&self, job: &Job) -> BTreeSet<FieldName> {
        let (kind, reached) = (job.leased.kind, job.leased.synced_mapping.max(job.state.read_by()));
        // What was never in step is at its first contact as a whole, or is the outcome of a write of ours.
        let was_in_step = job.state.external_id.is_some() && job.leased.synced_mapping > 0;
        let Some(configured) = self.configured.get(&kind).filter(|_| was_in_step) else { return BTreeSet::new() };
        let since = &configured.since;
        if since.values().all(|since| *since <= reached) {
            return BTreeSet::new();
        }
        let is_anew = |name: &FieldName| since.get(name).is_some_and(|since| *since > reached);
        let read = self.mapping(kind).fields.iter().filter(|field| field.direction.reads());
        read.map(|field| &field.local).filter(|name| is_anew(name)).cloned().collect()
    }
}

//! The payloads of the broker: whatever can be read can be written, and is then read as the same.

use domain::message::{
    BackendTell, CallbackApply, EventMerge, Message, RecordAmend, RecordPush, RecordPushBulk, RunPage, WebhookApply,
    WebhookApplyMany,
};
use domain::outcome::{SyncOutcome, WebhookOutcome};

pub(crate) fn run(data: &[u8]) {
    carry::<BackendTell>(data);
    carry::<CallbackApply>(data);
    carry::<EventMerge>(data);
    carry::<RecordAmend>(data);
    carry::<RecordPush>(data);
    carry::<RecordPushBulk>(data);
    carry::<RunPage>(data);
    carry::<SyncOutcome>(data);
    carry::<WebhookApply>(data);
    carry::<WebhookApplyMany>(data);
    carry::<WebhookOutcome>(data);
}

fn carry<M: Message>(data: &[u8]) {
    let Ok(message) = serde_json::from_slice::<M>(data) else { return };
    let written = serde_json::to_value(&message).expect("what was read can be written");
    let again = serde_json::from_value::<M>(written.clone()).expect("what was written can be read");
    let rewritten = serde_json::to_value(&again).expect("and be written once more");
    assert_eq!(rewritten, written, "{} changes on its way", M::TYPE);
}

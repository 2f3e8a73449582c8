//! Events of Coccinelle's backend: refused with a reason, or carried to the dispatcher as they were understood.

use std::hint::black_box;

use domain::event::{self, Event};
use serde_json::Value;

pub(crate) fn run(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    match event::parse(&value, "") {
        Ok(event) => carry(&event),
        Err(faults) => assert!(!faults.is_empty(), "refused without a reason"),
    }
}

fn carry(event: &Event) {
    let carried = serde_json::to_value(event).and_then(serde_json::from_value::<Event>);
    assert_eq!(carried.as_ref().ok(), Some(event), "{carried:?}");
    let values = event.values();
    for name in values.keys() {
        black_box(event.says_changed(name));
    }
    black_box(event.deleted());
}

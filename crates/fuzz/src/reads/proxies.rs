//! What a platform answers while a write is made ready for a workflow, and where its change leaves something open.

use std::hint::black_box;

use connectors::connector::{Create, Update};
use connectors::http::RawAnswer;
use connectors::proxy::Intended;
use serde_json::Value;

use super::objects::{IDS, KEYS, key_of, values};
use super::{Asked, heard};

pub(super) async fn ask(asked: &Asked) {
    let Some(proxy) = asked.connector.proxy() else { return };
    let fields = asked.connector.default_mapping(asked.kind).remote_names();
    let ([id, _], [key, _]) = (IDS, KEYS.map(key_of));
    let create = Create { key, fields: values(0, &fields), contact: Some("9".to_owned()) };
    let update = Update { external_id: id.to_owned(), fields: values(0, &fields) };
    for write in [Intended::Create(&create), Intended::Update(&update), Intended::Delete(id)] {
        let Some(call) = heard(proxy.request(&asked.account(), asked.kind, write).await) else { continue };
        let body = asked.answers.first().map(|answer| serde_json::from_slice(&answer.body).unwrap_or_default());
        let answer = RawAnswer { status: 200, body: body.unwrap_or(Value::Null), retry_after: None };
        black_box(heard(proxy.settle(&asked.account(), &call, answer).await));
        if matches!(write, Intended::Create(_)) {
            black_box(heard(proxy.keyed(&asked.account(), asked.kind, call, key).await));
        }
    }
}

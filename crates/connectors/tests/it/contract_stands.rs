//! What every connector must keep at its platform's stand-in, in every kind that it declares. A platform without a stand-in, or
//! with a kind that it cannot describe, list, write, find again or delete, fails here.

use std::path::Path;

use connectors::connector::{Create, Wanted};
use connectors::registry;
use connectors::webhook::SecretSource;
use domain::credentials::Credentials;
use domain::fault::FaultKind;
use domain::field::{FieldName, FieldValue};
use domain::id::IntegrationId;
use domain::kind::RecordKind;
use domain::link::RemoteObject;
use domain::mapping::Mapping;
use domain::record::{Fields, Stamp};
use domain::schema::{self, FieldType};
use domain::time::Timestamp;
use serde_json::json;

use crate::bench::{Bench, key, stand_of};

/// A record of a kind, with something in every field that Coccinelle has.
fn record(kind: RecordKind) -> Fields {
    let stamp = Stamp { rank: 0, at: Timestamp::now(), origin: IntegrationId::new() };
    let mut fields = Fields::default();
    for spec in schema::fields_of(kind) {
        let value = match spec.field_type {
            FieldType::Text(3) => FieldValue::text("EUR"),
            FieldType::Text(_) => FieldValue::text("Zoé"),
            FieldType::Email => FieldValue::text("zoe@exemple.fr"),
            FieldType::Phone => FieldValue::text("+33612345678"),
            FieldType::DateTime => FieldValue::text("2026-12-01T09:00:00.000000Z"),
            FieldType::Number => FieldValue::Number(60.into()),
            FieldType::Choice(words) => FieldValue::text(words[0]),
        };
        fields.set(FieldName::new(spec.name), value, stamp);
    }
    fields
}

async fn find(bench: &Bench, kind: RecordKind, mapping: &Mapping) -> Option<RemoteObject> {
    let wanted = Wanted { key: key(1), identifiers: mapping.identifiers(&record(kind)), tried: None };
    let found = bench.reader().find(&bench.account, kind, &[wanted], &mapping.remote_names()).await;
    found.unwrap().remove(0)
}

#[test]
fn nobody_lacks_what_a_tenant_expects_of_any_platform() {
    for platform in registry::all() {
        let connector = platform.connector();
        let has = [
            connector.reader().is_some(),
            connector.writer().is_some(),
            connector.changes().is_some(),
            connector.discovery().is_some(),
            connector.proxy().is_some(),
        ];
        assert_eq!(has, [true; 5], "{platform:?}: reads, writes, lists, describes, lets workflows in");
        // Who is not made to call us is told to by hand, once for our app or by each tenant, and a page says how.
        if connector.subscriptions().is_none() {
            let slug = connector.descriptor().slug;
            let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(format!("{slug}.md"));
            let page = std::fs::read_to_string(page).unwrap_or_default();
            assert!(
                page.contains(&format!("/webhooks/integrations/{slug}")),
                "no page says how {slug} comes to call us"
            );
        }
        if connector.descriptor().key_fields().is_some() && connector.oauth().is_none() {
            assert_eq!(
                connector.webhooks().secret(),
                SecretSource::Integration,
                "{platform:?} has no app that could sign"
            );
        }
    }
}

#[tokio::test]
async fn every_stand_in_says_whose_account_it_is_and_lets_nobody_else_in() {
    for platform in registry::all() {
        let stand = stand_of(*platform);
        let mut bench = Bench::bare_at(stand).await;
        let found = bench.probe().test(&bench.account).await.unwrap();
        assert!(!found.account_id.is_empty() && !found.name.is_empty(), "{platform:?}");
        for _ in 0..2 {
            bench.probe().prepare(&bench.account).await.unwrap();
        }
        let wrong: String = stand.key.chars().rev().collect();
        bench.account.credentials = match &bench.account.credentials {
            Credentials::ApiKey { secret, .. } => {
                Credentials::ApiKey { key: wrong.clone().into(), secret: secret.clone() }
            }
            Credentials::Bearer { .. } => Credentials::Bearer { access_token: wrong.clone().into() },
        };
        let error = bench.probe().test(&bench.account).await.unwrap_err();
        assert_eq!(error.kind, FaultKind::Unauthorized, "{platform:?}: {error:?}");
        assert!(!format!("{error:?} {error}").contains(&wrong), "{platform:?} tells the key");
    }
}

#[tokio::test]
async fn a_key_that_may_too_little_is_told_from_one_that_nobody_knows_and_from_a_platform_that_is_away() {
    for platform in registry::all() {
        let (bench, kind) = (Bench::ready_at(stand_of(*platform)).await, platform.connector().descriptor().kinds[0]);
        for (status, kind_of_error) in
            [(401_u16, FaultKind::Unauthorized), (403, FaultKind::Forbidden), (503, FaultKind::Unavailable)]
        {
            bench.faults(json!({ "fail_all_status": status })).await;
            let error = bench.changes().list(&bench.account, kind, None, &[]).await.unwrap_err();
            assert_eq!((error.kind, error.status), (kind_of_error, Some(status)), "{platform:?}: {error:?}");
            assert!(!error.code.is_empty() && !error.message.is_empty(), "{platform:?}: {error:?}");
        }
    }
}

#[tokio::test]
async fn every_kind_that_is_declared_is_described_as_it_is_mapped_and_can_be_listed() {
    for platform in registry::all() {
        let bench = Bench::ready_at(stand_of(*platform)).await;
        for kind in platform.connector().descriptor().kinds {
            let mapping = platform.connector().default_mapping(*kind);
            let described = bench.discovery().fields(&bench.account, *kind).await.unwrap();
            for field in &mapping.fields {
                let found = described.iter().find(|one| one.name == field.remote);
                let found = found.unwrap_or_else(|| panic!("{platform:?} {kind} does not describe {}", field.remote));
                assert!(!found.label.is_empty(), "{platform:?} {kind} {}", field.remote);
                assert!(!(found.read_only && field.direction.writes()), "{platform:?} {kind} {}", field.remote);
            }
            let page = bench.changes().list(&bench.account, *kind, None, &mapping.remote_names()).await.unwrap();
            assert!(page.objects.is_empty() && !page.more, "{platform:?} {kind}");
            bench.changes().list_deleted(&bench.account, *kind, None).await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_mapped_by_default_is_written_once_found_by_our_key_read_again_and_deleted() {
    for platform in registry::all() {
        let bench = Bench::ready_at(stand_of(*platform)).await;
        for kind in platform.connector().descriptor().kinds {
            let mapping = platform.connector().default_mapping(*kind);
            let fields = mapping.forward_new(&record(*kind));
            // An order is made of lines, and an integration begins with following it.
            if fields.is_empty() || *kind == RecordKind::Order {
                continue;
            }
            let item = Create { key: key(1), fields, contact: None };
            assert!(find(&bench, *kind, &mapping).await.is_none(), "{platform:?} {kind}");
            let written = bench.writer().create(&bench.account, *kind, &[item]).await.unwrap().remove(0);
            let written = written.unwrap_or_else(|error| panic!("{platform:?} {kind}: {error:?}"));
            assert!(written.created, "{platform:?} {kind}");
            let found =
                find(&bench, *kind, &mapping).await.unwrap_or_else(|| panic!("{platform:?} {kind} is not found"));
            assert_eq!(found.external_id, written.external_id, "{platform:?} {kind}");
            let ids = [written.external_id.clone()];
            let read =
                bench.reader().read(&bench.account, *kind, &ids, &mapping.remote_names()).await.unwrap().remove(0);
            let read = read.unwrap_or_else(|| panic!("{platform:?} {kind} is not read"));
            for (name, shown) in &written.shown {
                assert_eq!(read.fields.get(name), Some(shown), "{platform:?} {kind} {name}");
            }
            for _ in 0..2 {
                bench.writer().delete(&bench.account, *kind, &ids).await.unwrap().remove(0).unwrap();
            }
            let gone = bench.reader().read(&bench.account, *kind, &ids, &[]).await.unwrap().remove(0);
            assert!(gone.is_none(), "{platform:?} {kind}");
        }
    }
}

//! What every connector must keep, whatever its platform.

use std::collections::BTreeSet;
use std::path::Path;

use connectors::descriptor::AuthScheme;
use connectors::registry::{self, Platform};
use connectors::webhook::{Rejection, RemoteChange, SecretSource, WebhookRequest};
use domain::fault::FaultKind;
use domain::kind::RecordKind;
use domain::mapping::Transform;
use domain::platform::PlatformSlug;
use domain::schema;
use domain::time::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use crate::fixtures::{self, Signed};

#[test]
fn every_platform_is_found_by_its_own_slug_and_no_two_share_one() {
    let mut slugs = BTreeSet::new();
    for platform in registry::all() {
        let descriptor = platform.connector().descriptor();
        let slug: PlatformSlug = descriptor.slug.parse().unwrap();
        assert_eq!(Platform::from_slug(&slug), Some(*platform));
        assert!(slugs.insert(descriptor.slug), "{} is taken twice", descriptor.slug);
        assert_ne!(descriptor.slug, PlatformSlug::COCCINELLE);
    }
    assert_eq!(Platform::from_slug(&"nobody".parse().unwrap()), None);
}

#[test]
fn every_mapping_that_an_integration_begins_with_keeps_the_rules_that_tenants_must_keep() {
    for connector in registry::all().iter().map(|platform| platform.connector()) {
        for kind in connector.descriptor().kinds {
            let faults = domain::mapping::check(*kind, &connector.default_mapping(*kind).fields, "fields");
            assert_eq!(faults, [], "{kind} of {}", connector.descriptor().slug);
        }
    }
}

#[test]
fn every_descriptor_says_enough_for_a_catalogue_a_form_and_a_limiter() {
    for platform in registry::all() {
        let descriptor = platform.connector().descriptor();
        assert!(!descriptor.name.is_empty() && !descriptor.kinds.is_empty());
        assert!(descriptor.docs_url.starts_with("https://"));
        assert!(descriptor.limits.requests > 0 && !descriptor.limits.per.is_zero() && descriptor.limits.batch > 0);
        for scheme in descriptor.auth {
            match scheme {
                AuthScheme::ApiKey { fields, .. } => {
                    assert!(fields.iter().all(|field| ["api_key", "api_secret"].contains(&field.name)));
                    assert!(fields.iter().any(|field| field.name == "api_key"));
                    assert!(fields.iter().all(|field| !field.label.is_empty() && !field.hint.is_empty()));
                }
                AuthScheme::OAuth2(terms) => {
                    assert!(!terms.scopes.is_empty() && !terms.refresh_ahead.is_zero(), "{platform:?}");
                    let mut asked = terms.site.into_iter().flat_map(|site| [site.label, site.hint]);
                    assert!(asked.all(|words| !words.fr.is_empty() && !words.en.is_empty()), "{platform:?}");
                }
            }
        }
        let schemes: BTreeSet<_> = descriptor.auth.iter().map(|scheme| scheme.as_str()).collect();
        assert!(
            !schemes.is_empty() && schemes.len() == descriptor.auth.len(),
            "{platform:?} has a way in twice, or none"
        );
        assert_eq!(schemes.contains("oauth2"), platform.connector().oauth().is_some(), "{platform:?}");
    }
}

#[test]
fn every_choice_has_a_name_of_its_own_and_words_for_people() {
    for platform in registry::all() {
        let mut names = BTreeSet::new();
        for option in platform.connector().options() {
            assert!(names.insert(option.name) && option.choices.len() > 1, "{platform:?} {}", option.name);
            let values: BTreeSet<_> = option.choices.iter().map(|choice| choice.value).collect();
            assert_eq!(values.len(), option.choices.len(), "{platform:?} {}", option.name);
            let words = option.choices.iter().flat_map(|choice| [choice.label, choice.help]).chain([option.label]);
            assert!(words.into_iter().all(|words| !words.fr.is_empty() && !words.en.is_empty()), "{platform:?}");
        }
    }
}

#[test]
fn default_mappings_name_fields_that_coccinelle_has_and_each_remote_field_once() {
    for platform in registry::all() {
        let connector = platform.connector();
        for kind in RecordKind::ALL {
            let mapping = connector.default_mapping(kind);
            assert_eq!(mapping.fields.is_empty(), !connector.descriptor().kinds.contains(&kind), "{platform:?} {kind}");
            for field in &mapping.fields {
                assert!(
                    schema::find(kind, field.local.as_str()).is_some(),
                    "{platform:?} {kind} has no {}",
                    field.local
                );
            }
            let remote: BTreeSet<_> = mapping.remote_names().into_iter().collect();
            assert_eq!(remote.len(), mapping.fields.len(), "{platform:?} {kind}");
        }
    }
}

#[test]
fn a_default_mapping_that_reads_by_a_table_of_words_reads_each_word_as_one_of_ours() {
    for platform in registry::all() {
        for kind in RecordKind::ALL {
            for field in platform.connector().default_mapping(kind).fields {
                if let Transform::ValueMap { values } = &field.transform {
                    let theirs: BTreeSet<_> = values.values().collect();
                    assert!(theirs.len() == values.len() || !field.direction.reads(), "{platform:?} {}", field.local);
                }
            }
        }
    }
}

#[test]
fn a_platform_that_is_written_to_can_be_read_first() {
    for platform in registry::all() {
        let connector = platform.connector();
        assert!(connector.writer().is_none() || connector.reader().is_some(), "{platform:?} would create blindly");
        assert!(connector.reader().is_none() || connector.discovery().is_some(), "{platform:?} cannot be mapped");
    }
}

#[test]
fn nobody_accepts_an_unsigned_delivery_nor_one_without_a_secret() {
    for platform in registry::all() {
        let format = platform.connector().webhooks();
        let headers = [("content-type".to_owned(), "application/json".to_owned())];
        let request = WebhookRequest {
            method: "POST",
            public_uri: "https://hooks.example.com/webhooks/integrations/any",
            headers: &headers,
            body: b"[]",
            received_at: Timestamp::now(),
        };
        assert!(format.verify(&request, &"secret".to_owned().into()).is_err(), "{platform:?}");
        assert!(format.verify(&request, &String::new().into()).is_err(), "{platform:?}");
    }
}

#[test]
fn every_platforms_recorded_deliveries_are_let_in_under_their_secret_and_no_other() {
    for platform in registry::all() {
        let format = platform.connector().webhooks();
        let signed = fixtures::signed(*platform);
        assert!(signed.len() >= 4, "{platform:?} has {} recorded signatures", signed.len());
        for signed in signed {
            let (headers, name) = (signed.headers(), &signed.name);
            let request = signed.request(&headers);
            assert_eq!(format.verify(&request, &signed.secret.as_str().into()), Ok(()), "{platform:?}: {name}");
            let other = format!("{}x", signed.secret);
            assert!(format.verify(&request, &other.into()).is_err(), "{platform:?}: {name}");
        }
    }
}

/// These sign nothing: who knows the secret of an integration's address is let in, and is believed no more than that there is
/// something to look at.
const UNSIGNED: [Platform; 2] = [Platform::Pipedrive, Platform::Salesforce];

#[test]
fn a_body_that_was_read_and_written_anew_is_not_what_was_signed() {
    for platform in registry::all() {
        let format = platform.connector().webhooks();
        let recorded = fixtures::signed(*platform);
        let verdict = |signed: &Signed| {
            let headers = signed.headers();
            format.verify(&signed.request(&headers), &signed.secret.as_str().into())
        };
        if UNSIGNED.contains(platform) {
            assert_eq!(format.secret(), SecretSource::Integration, "{platform:?}: one secret for all");
            for (_, body) in fixtures::deliveries(*platform) {
                assert_eq!(verdict(&recorded[0].telling(body)), Ok(()), "{platform:?} signs bodies by now");
            }
            continue;
        }
        let anew: Vec<Signed> = recorded.iter().flat_map(Signed::written_anew).collect();
        assert!(anew.len() >= 2, "{platform:?} has no recorded signature of a body that can be written otherwise");
        for signed in anew {
            assert_eq!(verdict(&signed), Err(Rejection::WrongSignature), "{platform:?}: {}", signed.name);
        }
    }
}

#[test]
fn every_platforms_recorded_deliveries_say_what_is_written_beside_them_and_where_they_come_from() {
    for platform in registry::all() {
        let (format, slug) = (platform.connector().webhooks(), platform.connector().descriptor().slug);
        let (deliveries, expected) = (fixtures::deliveries(*platform), fixtures::changes(*platform));
        assert!(!deliveries.is_empty() && !expected.is_empty(), "{platform:?} has nothing recorded");
        let mut read = Vec::new();
        for (headers, body) in deliveries {
            assert!(format.is_readable(&headers, &body), "{platform:?}: {body}");
            let changes = format.parse(&headers, &body).unwrap();
            let shown = |it: &RemoteChange| json!([it.kind, it.external_id, it.deleted, it.merged_into]);
            read.extend(changes.iter().map(shown));
        }
        assert_eq!(read, expected, "{platform:?}");
        // One of each kind that is read, or nobody knows whether it is heard of.
        let told: BTreeSet<_> = read.iter().map(|change| change[0].as_str().unwrap().to_owned()).collect();
        for kind in platform.connector().descriptor().kinds {
            let mapping = platform.connector().default_mapping(*kind);
            let is_read = mapping.fields.iter().any(|field| field.direction.reads());
            assert!(!is_read || told.contains(kind.as_str()), "{platform:?} has no {kind} recorded: {told:?}");
        }
        let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(slug).join("README.md");
        let told = std::fs::read_to_string(readme).unwrap_or_default();
        for file in ["signatures.json", "delivery.json", "changes.json"] {
            assert!(told.contains(file), "{slug}'s README.md does not say where {file} comes from");
        }
    }
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let name = prop_oneof![
        Just("subscriptionType".to_owned()),
        Just("objectId".to_owned()),
        Just("objectTypeId".to_owned()),
        Just("mergedObjectIds".to_owned()),
        Just("occurredAt".to_owned()),
        "[a-z]{0,4}",
    ];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        Just("contact.merge".into()),
        Just("contact.creation".into()),
        ".{0,8}".prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_delivery_makes_a_parser_panic(text in ".{0,200}", value in any_json()) {
        for platform in registry::all() {
            let format = platform.connector().webhooks();
            for body in [text.clone(), value.to_string(), format!("[{value}]")] {
                if let Err(error) = format.parse(&[], &body) {
                    prop_assert_eq!(error.kind, FaultKind::Invalid);
                }
                format.delivery_id(&[], body.as_bytes());
            }
        }
    }

    #[test]
    fn no_header_makes_a_check_panic_or_pass(signature in ".{0,80}", time in ".{0,20}", uri in ".{0,60}") {
        for platform in registry::all() {
            let format = platform.connector().webhooks();
            let signatures = ["x-hubspot-signature-v3", "authorization", "x-shopify-hmac-sha256", "x-zendesk-webhook-signature"].map(|name| (name.to_owned(), signature.clone()));
            let headers: Vec<_> =
                signatures.into_iter().chain([("x-hubspot-request-timestamp".to_owned(), time.clone())]).collect();
            let received_at = Timestamp::from_millis(time.parse().unwrap_or(0)).unwrap_or_else(Timestamp::now);
            let request = WebhookRequest { method: "POST", public_uri: &uri, headers: &headers, body: b"[]", received_at };
            prop_assert!(format.verify(&request, &"secret".to_owned().into()).is_err());
        }
    }
}

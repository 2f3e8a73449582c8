//! Tenants, integrations, mappings and the catalogue: what is written comes back, and only to whom it belongs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::fault::{Fault, FaultKind};
use domain::field::FieldValue;
use domain::id::TenantId;
use domain::identity::Region;
use domain::integration::Status;
use domain::kind::RecordKind;
use domain::mapping::{FieldMapping, Transform};
use domain::platform::PlatformSlug;
use domain::policy::{ConflictPolicy, ConflictRule};
use persistence::catalogue::{self, CatalogueEntry};
use persistence::integrations::{self, NewIntegration};
use persistence::mappings::{self, KindMappings};
use persistence::tenants::{self, Moved};
use persistence::{Scope, breakers, health, policies};

use crate::world::{World, hubspot};

#[tokio::test]
async fn a_tenant_comes_with_its_backend_and_its_key() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let mut tx = world.gateway.begin(Scope::Tenant(customer.tenant)).await.unwrap();
    assert_eq!(tenants::region(&mut tx, customer.tenant).await.unwrap(), Some(Region::FR));
    assert_eq!(tenants::data_key(&mut tx, customer.tenant).await.unwrap().as_deref(), Some("v1.k1.AAAA"));
    assert_eq!(integrations::backend(&mut tx, customer.tenant).await.unwrap(), customer.backend);
    let backend = integrations::get(&mut tx, customer.tenant, customer.backend).await.unwrap().unwrap();
    assert!(backend.is_coccinelle());
    let error = integrations::backend(&mut tx, TenantId::new()).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::NotFound);
}

#[tokio::test]
async fn what_disagreements_are_decided_by_comes_together_and_names_what_was_disconnected() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    world.customer("2").await;
    let platform = |slug: &str| slug.parse::<PlatformSlug>().unwrap();
    let rule = ConflictRule { kind: RecordKind::Contact, field: None, ranking: vec![platform("hubspot")] };
    let policy = ConflictPolicy { rules: vec![rule], deletions: Vec::new() };
    let mut tx = world.gateway.begin(Scope::Tenant(customer.tenant)).await.unwrap();
    policies::set(&mut tx, customer.tenant, &policy).await.unwrap();
    tenants::set_region(&mut tx, customer.tenant, Region::BE).await.unwrap();
    assert!(integrations::delete(&mut tx, customer.tenant, customer.integration, None).await.unwrap());
    tx.commit().await.unwrap();

    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let grounds = policies::grounds(&mut tx, customer.tenant).await.unwrap();
    assert_eq!((grounds.policy, grounds.backend, grounds.region), (policy, customer.backend, Region::BE));
    let systems = [(customer.backend, platform(PlatformSlug::COCCINELLE)), (customer.integration, platform("hubspot"))];
    assert_eq!(grounds.systems, BTreeMap::from(systems));
    let error = policies::grounds(&mut tx, TenantId::new()).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::NotFound);
}

#[tokio::test]
async fn an_integration_comes_back_as_it_was_given() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let mut tx = world.gateway.begin(Scope::Tenant(customer.tenant)).await.unwrap();
    let new = NewIntegration { integration: hubspot(customer.tenant, "2"), sealed: None };
    integrations::create(&mut tx, &new).await.unwrap();
    let id = new.integration.id;
    assert_eq!(integrations::get(&mut tx, customer.tenant, id).await.unwrap().as_ref(), Some(&new.integration));
    assert_eq!(integrations::sealed_credentials(&mut tx, customer.tenant, id).await.unwrap(), None);
    let listed = integrations::list(&mut tx, customer.tenant).await.unwrap();
    assert_eq!(listed.iter().map(|one| one.id).collect::<Vec<_>>(), [customer.integration, id]);
}

#[tokio::test]
async fn rule_06_an_account_is_connected_once_by_a_tenant_and_by_any_number_of_tenants() {
    let world = World::new().await;
    let (one, other) = (world.customer("same").await, world.customer("same").await);
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let all = integrations::of_account(&mut tx, &"hubspot".parse().unwrap(), "same").await.unwrap();
    assert_eq!(all.iter().map(|one| one.id).collect::<Vec<_>>(), [one.integration, other.integration]);
    tx.commit().await.unwrap();

    let again = NewIntegration { integration: hubspot(one.tenant, "same"), sealed: None };
    let mut tx = world.gateway.begin(Scope::Tenant(one.tenant)).await.unwrap();
    let error = integrations::create(&mut tx, &again).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::Conflict, "{error:?}");
    drop(tx);

    let mut tx = world.gateway.begin(Scope::Tenant(one.tenant)).await.unwrap();
    assert!(integrations::delete(&mut tx, one.tenant, one.integration, None).await.unwrap());
    integrations::create(&mut tx, &again).await.unwrap();
    assert_eq!(integrations::get(&mut tx, one.tenant, one.integration).await.unwrap(), None);
    assert_eq!(integrations::sealed_credentials(&mut tx, one.tenant, one.integration).await.unwrap(), None);
}

#[tokio::test]
async fn nobody_calls_for_an_integration_whose_credentials_were_refused_until_it_is_active_again() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let integration = integrations::get(&mut tx, customer.tenant, customer.integration).await.unwrap().unwrap();
    for (status, expected) in
        [(Status::ReauthRequired, breakers::Standing::Parked), (Status::Active, breakers::Standing::Closed)]
    {
        health::set_status(&mut tx, customer.tenant, customer.integration, status, None).await.unwrap();
        assert_eq!(breakers::standing(&mut tx, &integration).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn switching_changes_version_status_and_what_is_worked_on() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let (tenant, id) = (customer.tenant, customer.integration);
    let mut tx = world.gateway.begin(Scope::Tenant(tenant)).await.unwrap();
    for (on, status, version) in [(false, Status::Inactive, 2), (true, Status::Active, 3)] {
        integrations::set_enabled(&mut tx, tenant, id, on).await.unwrap();
        let integration = integrations::get(&mut tx, tenant, id).await.unwrap().unwrap();
        assert_eq!((integration.enabled, integration.version), (on, version));
        assert_eq!(health::get(&mut tx, tenant, id).await.unwrap().unwrap().status, status);
        let worked_on = integrations::enabled_for(&mut tx, tenant).await.unwrap();
        assert_eq!(!worked_on.is_empty(), on);
    }
    integrations::set_credentials(&mut tx, tenant, id, "v1.tenant.BBBB").await.unwrap();
    let sealed = integrations::sealed_credentials(&mut tx, tenant, id).await.unwrap();
    assert_eq!(sealed.as_deref(), Some("v1.tenant.BBBB"));
    integrations::connect_by_grant(&mut tx, (tenant, id), ("9", "Garage Martin"), None).await.unwrap();
    let connected = integrations::get(&mut tx, tenant, id).await.unwrap().unwrap();
    assert_eq!(connected.account_id.zip(connected.account_name), Some(("9".to_owned(), "Garage Martin".to_owned())));
    assert_eq!(integrations::sealed_credentials(&mut tx, tenant, id).await.unwrap(), None);
    let error = integrations::set_enabled(&mut tx, TenantId::new(), id, true).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::NotFound);
}

#[tokio::test]
async fn a_mapping_comes_back_in_its_order_and_counts_its_versions() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let target = (customer.tenant, customer.integration);
    let fields = vec![
        FieldMapping::both("phone", "phone").as_identifier(),
        FieldMapping::both("email", "email").as_identifier(),
        FieldMapping::to_platform("status", "dealstage")
            .with(Transform::ValueMap { values: [("scheduled".to_owned(), "appointmentscheduled".to_owned())].into() }),
        FieldMapping::both("title", "dealname").or("Rendez-vous"),
    ];
    let mut tx = world.gateway.begin(Scope::Tenant(customer.tenant)).await.unwrap();
    let kind = RecordKind::Contact;
    assert_eq!(mappings::get(&mut tx, target.0, target.1, kind).await.unwrap(), None);
    assert_eq!(mappings::replace(&mut tx, target, kind, &fields[..1]).await.unwrap(), 1);
    assert_eq!(mappings::replace(&mut tx, target, kind, &fields).await.unwrap(), 2);
    let mapping = mappings::get(&mut tx, target.0, target.1, kind).await.unwrap().unwrap();
    assert_eq!((mapping.version, &mapping.fields), (2, &fields));
    assert_eq!(mapping.region, Region::FR);
    tenants::set_region(&mut tx, customer.tenant, Region::BE).await.unwrap();
    let mapping = mappings::get(&mut tx, target.0, target.1, kind).await.unwrap().unwrap();
    assert_eq!(mapping.region, Region::BE);
    assert_eq!(mapping.fields[3].default, Some(FieldValue::text("Rendez-vous")));
    assert_eq!(mappings::replace(&mut tx, target, kind, &[]).await.unwrap(), 3);
    assert_eq!(mappings::get(&mut tx, target.0, target.1, kind).await.unwrap().unwrap().fields, []);
    assert_eq!(mappings::get(&mut tx, target.0, target.1, RecordKind::Deal).await.unwrap(), None);
    let twice = [fields[0].clone(), fields[0].clone()];
    let error = mappings::replace(&mut tx, target, kind, &twice).await.unwrap_err();
    assert_eq!(error.kind(), FaultKind::Conflict, "{error:?}");
}

#[tokio::test]
async fn another_region_is_a_change_of_the_mappings_that_write_by_it_and_of_no_other() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let target = (customer.tenant, customer.integration);
    let template = Transform::Template { template: "{{ phone|e164 }}".to_owned() };
    let by_kind = [
        (RecordKind::Contact, FieldMapping::both("phone", "phone").with(Transform::E164)),
        (RecordKind::Deal, FieldMapping::to_platform("title", "dealname").with(template)),
        (RecordKind::Activity, FieldMapping::from_platform("phone", "phone").with(Transform::E164)),
        (RecordKind::Order, FieldMapping::both("number", "number")),
    ];
    let kinds = by_kind.clone().map(|(kind, _)| kind);
    let mut tx = world.gateway.begin(Scope::Tenant(customer.tenant)).await.unwrap();
    for (kind, field) in by_kind {
        mappings::replace(&mut tx, target, kind, &[field]).await.unwrap();
    }
    // The second time, nothing is said that was not said.
    for _ in 0..2 {
        tenants::set_region(&mut tx, customer.tenant, Region::BE).await.unwrap();
        let versions = mappings::versions(&mut tx, target.0, &[target.1]).await.unwrap();
        assert_eq!(kinds.map(|kind| versions[&(target.1, kind)]), [2, 2, 1, 1]);
    }
}

#[tokio::test]
async fn what_is_known_of_a_mapping_is_shared_until_it_is_another_and_never_longer() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let (target, contact, deal) = ((customer.tenant, customer.integration), RecordKind::Contact, RecordKind::Deal);
    let email = [FieldMapping::both("email", "email").as_identifier()];
    let mut tx = world.gateway.begin(Scope::Tenant(customer.tenant)).await.unwrap();
    mappings::replace(&mut tx, target, contact, &email).await.unwrap();
    mappings::replace(&mut tx, target, deal, &[FieldMapping::both("title", "dealname")]).await.unwrap();
    let anew = mappings::current(&mut tx, target.0, target.1, &KindMappings::new()).await.unwrap();
    let again = mappings::current(&mut tx, target.0, target.1, &anew).await.unwrap();
    assert!([contact, deal].iter().all(|kind| Arc::ptr_eq(&anew[kind], &again[kind])));

    // One of them is changed, to what maps nothing; the other is shared on.
    mappings::replace(&mut tx, target, contact, &[]).await.unwrap();
    let changed = mappings::current(&mut tx, target.0, target.1, &again).await.unwrap();
    assert_eq!((changed[&contact].mapping.version, changed[&contact].mapping.fields.len()), (2, 0));
    assert!(Arc::ptr_eq(&again[&deal], &changed[&deal]));

    // The region counts no version of what is not written by it, and is theirs all the same.
    tenants::set_region(&mut tx, customer.tenant, Region::BE).await.unwrap();
    let moved = mappings::current(&mut tx, target.0, target.1, &changed).await.unwrap();
    let of = |kind: RecordKind| {
        (moved[&kind].mapping.version, moved[&kind].mapping.region, moved[&kind].mapping.fields.len())
    };
    assert_eq!([of(contact), of(deal)], [(2, Region::BE, 0), (1, Region::BE, 1)]);

    // What an older look has left says nothing of a newer mapping.
    mappings::replace(&mut tx, target, contact, &email).await.unwrap();
    let newest = mappings::current(&mut tx, target.0, target.1, &anew).await.unwrap();
    assert_eq!(newest, mappings::current(&mut tx, target.0, target.1, &KindMappings::new()).await.unwrap());
    assert_eq!(newest[&contact].mapping.fields, email);
}

#[tokio::test]
async fn numbers_are_read_anew_of_a_tenant_that_moves_and_of_one_that_moves_back_before_all_were() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let settle_in = async |region: Region| {
        let mut tx = world.gateway.begin(Scope::Tenant(customer.tenant)).await.unwrap();
        tenants::set_region(&mut tx, customer.tenant, region).await.unwrap();
        tx.commit().await.unwrap();
    };
    let moved = async |age: Duration| {
        let mut tx = world.worker.begin(Scope::System).await.unwrap();
        let moved = tenants::moved(&mut tx, age).await.unwrap();
        tx.commit().await.unwrap();
        moved.into_iter().next()
    };
    let mark = async |moved: &Moved| {
        let mut tx = world.worker.begin(Scope::System).await.unwrap();
        tenants::mark_identified(&mut tx, moved).await.unwrap();
        tx.commit().await.unwrap();
    };
    assert!(moved(Duration::ZERO).await.is_none());

    settle_in(Region::BE).await;
    assert!(moved(Duration::from_secs(60)).await.is_none(), "somebody may still read by the region before");
    let to_belgium = moved(Duration::ZERO).await.unwrap();
    assert_eq!((to_belgium.region, to_belgium.before.as_slice()), (Region::BE, [Region::FR].as_slice()));

    settle_in(Region::FR).await;
    mark(&to_belgium).await;
    let back = moved(Duration::ZERO).await.expect("some are read as of Belgium by now");
    assert_eq!((back.region, back.before.as_slice()), (Region::FR, [Region::BE].as_slice()));

    settle_in(Region::BE).await;
    settle_in(Region::FR).await;
    mark(&back).await;
    let again = moved(Duration::ZERO).await.expect("some may be read as of Belgium since");
    assert_eq!((again.region, again.before.as_slice()), (Region::FR, [Region::BE].as_slice()));
    mark(&again).await;
    assert!(moved(Duration::ZERO).await.is_none());
}

#[tokio::test]
async fn a_mapping_says_since_which_version_each_field_is_read_as_it_is() {
    let world = World::new().await;
    let customer = world.customer("1").await;
    let (target, kind) = ((customer.tenant, customer.integration), RecordKind::Contact);
    let email = FieldMapping::both("email", "email").as_identifier();
    let drafts = [
        vec![email.clone(), FieldMapping::to_platform("city", "town")],
        vec![email.clone(), FieldMapping::from_platform("city", "town")],
        vec![FieldMapping::from_platform("city", "town"), email.clone(), FieldMapping::both("notes", "state")],
    ];
    let mut tx = world.gateway.begin(Scope::Tenant(customer.tenant)).await.unwrap();
    let mut since = Vec::new();
    for fields in &drafts {
        mappings::replace(&mut tx, target, kind, fields).await.unwrap();
        let read = mappings::current(&mut tx, target.0, target.1, &KindMappings::new()).await.unwrap();
        since.push(read[&kind].since.iter().map(|(name, since)| (name.to_string(), *since)).collect::<Vec<_>>());
    }
    let named = |fields: &[(&str, i64)]| fields.iter().map(|(name, since)| ((*name).to_owned(), *since)).collect();
    let expected: [Vec<(String, i64)>; 3] = [
        named(&[("email", 1)]),
        named(&[("city", 2), ("email", 1)]),
        named(&[("city", 2), ("email", 1), ("notes", 3)]),
    ];
    assert_eq!(since, expected);
}

#[tokio::test]
async fn the_catalogue_holds_what_it_was_given_last() {
    let world = World::new().await;
    let entry = |slug: &str, name: &str| CatalogueEntry {
        platform: slug.parse().unwrap(),
        name: name.to_owned(),
        category: "crm".to_owned(),
        auth: "api_key".to_owned(),
        kinds: vec![RecordKind::Contact, RecordKind::Deal],
        docs_url: "https://example.com".to_owned(),
    };
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    catalogue::upsert(&mut tx, &[entry("hubspot", "HubSpot"), entry("old", "Old")]).await.unwrap();
    catalogue::upsert(&mut tx, &[entry("hubspot", "HubSpot CRM")]).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = world.gateway.begin(Scope::System).await.unwrap();
    assert_eq!(catalogue::list(&mut tx).await.unwrap(), [entry("hubspot", "HubSpot CRM")]);
}

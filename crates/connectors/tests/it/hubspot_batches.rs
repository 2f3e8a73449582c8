//! Batches: each item has its own fate.

use std::collections::BTreeSet;

use connectors::connector::{Create, Update};
use domain::fault::FaultKind;
use domain::field::FieldValue;
use domain::kind::RecordKind::{Activity, Contact, Deal};
use serde_json::json;

use crate::bench::{Bench, create, fields, key, names, wanted};

fn people(count: u32) -> Vec<Create> {
    let person = |n: u32| {
        let email = format!("client{n}@exemple.fr");
        let number = format!("06{n:08}");
        if n.is_multiple_of(3) { create(n, &[("phone", &number)]) } else { create(n, &[("email", &email)]) }
    };
    (1..=count).map(person).collect()
}

#[tokio::test]
async fn more_items_than_a_call_may_carry_come_back_each_in_its_place() {
    let bench = Bench::ready().await;
    let people = people(250);
    let each = bench.writer().create(&bench.account, Contact, &people).await.unwrap();
    let ids: Vec<String> = each.iter().map(|result| result.as_ref().unwrap().external_id.clone()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 250);
    let read = bench.reader().read(&bench.account, Contact, &ids, &names(&["email", "phone"])).await.unwrap();
    for (object, person) in read.iter().zip(&people) {
        let object = object.as_ref().unwrap();
        assert_eq!(object.key, Some(person.key));
        assert!(person.fields.iter().all(|(name, value)| object.fields.get(name) == Some(value)));
    }
    let asked: Vec<_> = (1..=250).map(|n| wanted(n, &[])).collect();
    let found = bench.reader().find(&bench.account, Contact, &asked, &[]).await.unwrap();
    let found: Vec<String> = found.into_iter().map(|object| object.unwrap().external_id).collect();
    assert_eq!(found, ids);
}

#[tokio::test]
async fn one_bad_item_does_not_fail_the_others() {
    let bench = Bench::ready().await;
    let mut people = people(9);
    people[3].fields = fields(&[("email", "pas une adresse")]);
    people[4].fields = fields(&[("email", "bon@exemple.fr"), ("nobody_knows_this", "x")]);
    let each = bench.writer().create(&bench.account, Contact, &people).await.unwrap();
    let codes: Vec<Option<&str>> =
        each.iter().map(|result| result.as_ref().err().map(|error| error.code.as_str())).collect();
    assert_eq!(codes[3], Some("INVALID_EMAIL"));
    assert_eq!(codes[4], Some("PROPERTY_DOESNT_EXIST"));
    assert_eq!(codes.iter().filter(|code| code.is_none()).count(), 7);
    assert!(each[3].as_ref().is_err_and(|error| error.kind == FaultKind::Invalid));
}

#[tokio::test]
async fn a_batch_that_is_refused_as_a_whole_is_divided_until_each_item_has_its_answer() {
    let bench = Bench::ready().await;
    let mut people = people(20);
    // HubSpot refuses the whole batch when two of it name the same object.
    for twin in [4, 16] {
        people[twin].fields = fields(&[("email", "jumeaux@exemple.fr")]);
    }
    let each = bench.writer().create(&bench.account, Contact, &people).await.unwrap();
    let failed: Vec<usize> = (0..20).filter(|at| each[*at].is_err()).collect();
    // The second one meets the first, and would have to give up its key to us.
    assert!(failed.is_empty() || failed == [16], "{failed:?}");
    assert_eq!(each.iter().flatten().filter(|written| written.created).count(), 19);
}

#[tokio::test]
async fn a_change_of_something_gone_fails_alone() {
    let bench = Bench::ready().await;
    let each = bench.writer().create(&bench.account, Contact, &people(2)).await.unwrap();
    let id = |at: usize| each[at].as_ref().unwrap().external_id.clone();
    let update = |external_id: String| Update { external_id, fields: fields(&[("city", "Nantes")]) };
    let updates = [update(id(0)), update("999999".to_owned()), update(id(1))];
    let each = bench.writer().update(&bench.account, Contact, &updates).await.unwrap();
    let kinds: Vec<Option<FaultKind>> =
        each.iter().map(|result| result.as_ref().err().map(|error| error.kind)).collect();
    assert_eq!(kinds, [None, Some(FaultKind::NotFound), None]);
}

#[tokio::test]
async fn an_account_without_our_property_is_served_by_address() {
    let bench = Bench::bare().await;
    let people = people(6);
    for expected in [6, 2] {
        let each = bench.writer().create(&bench.account, Contact, &people).await.unwrap();
        assert!(each.iter().all(Result::is_ok), "{each:?}");
        // Those without an address have nothing that guards them, but the look before.
        assert_eq!(each.iter().flatten().filter(|written| written.created).count(), expected);
    }
    let asked = [wanted(1, &[("email", "client1@exemple.fr")]), wanted(3, &[("phone", "0600000003")])];
    let found = bench.reader().find(&bench.account, Contact, &asked, &[]).await.unwrap();
    assert!(found[0].is_some());
}

#[tokio::test]
async fn without_our_property_a_deal_and_a_call_carry_the_key_in_their_text_and_a_lost_answer_makes_no_second() {
    let bench = Bench::bare().await;
    let deal = [("dealname", "Rendez-vous"), ("description", "Devis")];
    let call = [("hs_call_title", "Appel"), ("hs_call_body", "Rappeler")];
    for (n, kind, [name, text], object_type) in [(1, Deal, deal, "deals"), (3, Activity, call, "calls")] {
        // That the property is not there is learnt by the first write.
        bench.writer().create(&bench.account, kind, &[create(n, &[name])]).await.unwrap().remove(0).unwrap();
        bench.faults(json!({"lost_answer_next": 1})).await;
        let lost = bench.writer().create(&bench.account, kind, &[create(n + 1, &[name, text])]).await;
        assert!(lost.map_or_else(|error| error, |mut each| each.remove(0).unwrap_err()).outcome_is_unknown());
        let (asked, shown) = ([wanted(n + 1, &[]), wanted(n, &[]), wanted(9, &[])], names(&[text.0]));
        let found = bench.reader().find(&bench.account, kind, &asked, &shown).await.unwrap();
        let [Some(again), Some(first), None] = &found[..] else { panic!("{found:?}") };
        assert_eq!((again.key, &again.fields[text.0]), (Some(key(n + 1)), &FieldValue::text(text.1)));
        assert_eq!((first.key, &first.fields[text.0]), (Some(key(n)), &FieldValue::Null));
        assert_eq!(bench.created(object_type).await, 2, "{kind}");

        // It stays where the text is changed, and nobody takes it for what people wrote.
        let change = Update { external_id: again.external_id.clone(), fields: fields(&[(text.0, "Autre chose")]) };
        let written = bench.writer().update(&bench.account, kind, &[change]).await.unwrap().remove(0).unwrap();
        assert_eq!(written.shown[text.0], FieldValue::text("Autre chose"));
        let found = bench.reader().find(&bench.account, kind, &asked[..1], &shown).await.unwrap();
        assert_eq!(found[0].as_ref().map(|object| &object.external_id), Some(&again.external_id));
    }
}

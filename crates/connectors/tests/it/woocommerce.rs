//! A WooCommerce shop's customers, products and orders, against its stand-in.

use connectors::connector::{Create, Cursor, Tie, Update};
use connectors::subscriptions::{self, Target};
use domain::credentials::Credentials;
use domain::fault::FaultKind;
use domain::field::FieldValue;
use domain::kind::RecordKind::{self, Contact, Order, Product};
use reqwest::Method;
use serde_json::{Value, json};

use crate::bench::{Bench, WOOCOMMERCE, create, fields, key, names, wanted};

/// The key that may only read.
const READER: (&str, &str) =
    ("ck_2222222222222222222222222222222222222222", "cs_2222222222222222222222222222222222222222");

async fn one(bench: &Bench, kind: RecordKind, item: Create) -> String {
    bench.writer().create(&bench.account, kind, &[item]).await.unwrap().remove(0).unwrap().external_id
}

async fn read(bench: &Bench, kind: RecordKind, id: &str, asked: &[&str]) -> domain::link::RemoteObject {
    let found = bench.reader().read(&bench.account, kind, &[id.to_owned()], &names(asked)).await.unwrap().remove(0);
    found.unwrap()
}

fn key_pair(key: &str, secret: &str) -> Credentials {
    Credentials::ApiKey { key: key.to_owned().into(), secret: Some(secret.to_owned().into()) }
}

#[tokio::test]
async fn a_test_says_which_shop_it_is_and_what_is_wrong_where_it_is_none() {
    let mut bench = Bench::bare_at(WOOCOMMERCE).await;
    let found = bench.probe().test(&bench.account).await.unwrap();
    assert_eq!(found.name, "Boutique de démonstration");
    assert!(found.account_id.ends_with("/woocommerce/demo") && found.account_id.starts_with("127.0.0.1:"));
    assert_eq!(found.details["opens"], json!(["contact", "product", "order"]));
    let good = bench.account.clone();

    let secret = "cs_of_somebody_else";
    bench.account.credentials = key_pair(WOOCOMMERCE.key, secret);
    let error = bench.probe().test(&bench.account).await.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (FaultKind::Unauthorized, "Consumer secret is invalid."));
    assert!(!format!("{error:?} {:?}", bench.account).contains(secret));

    let code = async |url: &str| {
        let account = connectors::account::Account { base_url: url.parse().unwrap(), ..good.clone() };
        let error = bench.probe().test(&account).await.unwrap_err();
        (error.kind, error.code)
    };
    let invalid = |code: &str| (FaultKind::Invalid, code.to_owned());
    let origin = good.base_url.origin().ascii_serialization();
    assert_eq!(code(&format!("{origin}/hubspot")).await, invalid("not_a_shop"));
    assert_eq!(code("http://127.0.0.1:9/shop").await, invalid("unreachable"));
    assert_eq!(code("http://shop.example.com").await, invalid("https_required"));
    for status in [503, 429] {
        bench.faults(json!({"fail_next": {"count": 1, "status": status}})).await;
        assert_eq!(code(good.base_url.as_str()).await, (FaultKind::Unavailable, "shop_is_down".to_owned()));
    }
}

/// Somebody who sends whoever comes first on to that place.
async fn leading_to(place: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
        let answer = format!("HTTP/1.1 301 Moved\r\nlocation: {place}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    address
}

#[tokio::test]
async fn an_address_that_leads_on_names_where_to_and_is_not_followed() {
    let bench = Bench::bare_at(WOOCOMMERCE).await;
    for (place, is_below) in [("https://www.boutique.example/wp-json/?x", false), ("/fr/wp-json/", true)] {
        let address = leading_to(place).await;
        let account = connectors::account::Account { base_url: address.parse().unwrap(), ..bench.account.clone() };
        let error = bench.probe().test(&account).await.unwrap_err();
        assert_eq!(error.code, "redirected");
        let told = if is_below { format!("{address}/fr:") } else { "https://www.boutique.example:".to_owned() };
        assert!(error.message.contains(&told), "{error}");
    }
}

#[tokio::test]
async fn a_key_that_may_only_read_is_told_from_a_wrong_one_in_any_language() {
    let mut bench = Bench::ready_at(WOOCOMMERCE).await;
    let item = create(1, &[("email", "ann@exemple.fr")]);
    let whole = bench.account.credentials.clone();
    for in_french in [false, true] {
        bench.faults(json!({"in_french": in_french})).await;
        let wrong = (WOOCOMMERCE.key, "cs_of_somebody_else");
        for ((key, secret), kind) in [(READER, FaultKind::Forbidden), (wrong, FaultKind::Unauthorized)] {
            bench.account.credentials = key_pair(key, secret);
            let error = bench.probe().test(&bench.account).await.unwrap_err();
            assert_eq!(error.kind, kind, "{in_french} {error}");
            let items = std::slice::from_ref(&item);
            let error = bench.writer().create(&bench.account, Contact, items).await.unwrap_err();
            assert_eq!(error.kind, kind, "{in_french} {error}");
        }
    }
    bench.account.credentials = whole;
    bench.probe().test(&bench.account).await.unwrap();
    assert!(bench.journal().await.is_empty(), "a test writes nothing");
}

#[tokio::test]
async fn an_address_inside_our_own_network_is_never_called() {
    let bench = Bench::bare_at(WOOCOMMERCE).await;
    let reach = connectors::http::Reach::PublicOnly { other_ports: Vec::new() };
    let http = connectors::http::Client::new(std::time::Duration::from_secs(5), reach).unwrap();
    for url in ["https://127.0.0.1/shop", "https://10.0.0.8/", "https://[::1]/", "https://169.254.169.254/latest"] {
        let account = connectors::account::Account {
            base_url: url.parse().unwrap(),
            http: http.clone(),
            ..bench.account.clone()
        };
        assert_eq!(bench.probe().test(&account).await.unwrap_err().code, "address_not_public", "{url}");
    }
}

#[tokio::test]
async fn a_customer_is_created_once_found_by_address_changed_and_deleted() {
    let bench = Bench::ready_at(WOOCOMMERCE).await;
    let item = create(1, &[("email", "ann@exemple.fr"), ("first_name", "Ann"), ("billing.phone", "0612345678")]);
    let first = bench.writer().create(&bench.account, Contact, &[item]).await.unwrap().remove(0).unwrap();
    assert!(first.created && first.modified_at.is_some());
    assert_eq!(first.shown["billing.phone"], FieldValue::text("0612345678"));
    // Somebody else of the same address is the same customer.
    let again = create(2, &[("email", "Ann@exemple.fr"), ("billing.city", "Brest")]);
    let second = bench.writer().create(&bench.account, Contact, &[again]).await.unwrap().remove(0).unwrap();
    assert_eq!((second.external_id.as_str(), second.created), (first.external_id.as_str(), false));
    assert_eq!(bench.created("customers").await, 1);

    let asked = names(&["email", "billing.city", "billing.phone", "meta_data.tier"]);
    let searched =
        [wanted(1, &[("email", "ANN@exemple.fr")]), wanted(3, &[("email", "paul@exemple.fr")]), wanted(4, &[])];
    let found = bench.reader().find(&bench.account, Contact, &searched, &asked).await.unwrap();
    let ann = found[0].as_ref().unwrap();
    assert_eq!(
        (&ann.fields["billing.city"], &ann.fields["meta_data.tier"]),
        (&FieldValue::text("Brest"), &FieldValue::Null)
    );
    assert!(found[1].is_none() && found[2].is_none());

    let change = fields(&[("billing.city", "Lyon"), ("meta_data.tier", "gold"), ("billing.phone", "")]);
    let updates = [
        Update { external_id: first.external_id.clone(), fields: change },
        Update { external_id: "999999".to_owned(), fields: fields(&[("first_name", "x")]) },
    ];
    let each = bench.writer().update(&bench.account, Contact, &updates).await.unwrap();
    assert_eq!(each[1].as_ref().unwrap_err().kind, FaultKind::NotFound);
    assert_eq!(each[0].as_ref().unwrap().shown["meta_data.tier"], FieldValue::text("gold"));
    let ann = read(&bench, Contact, &first.external_id, &["billing.city", "billing.phone", "first_name"]).await;
    assert_eq!(
        (&ann.fields["billing.phone"], &ann.fields["first_name"]),
        (&FieldValue::Null, &FieldValue::text("Ann"))
    );

    let ids = [first.external_id.clone(), "999999".to_owned()];
    let gone = bench.writer().delete(&bench.account, Contact, &ids).await.unwrap();
    assert!(gone.iter().all(Result::is_ok), "{gone:?}");
    assert_eq!(bench.reader().read(&bench.account, Contact, &ids, &asked).await.unwrap(), [None, None]);
}

#[tokio::test]
async fn a_key_of_who_may_write_customers_one_by_one_only_writes_them_so() {
    let bench = Bench::ready_at(WOOCOMMERCE).await;
    bench.faults(json!({"shop_manager": true})).await;
    let items = [
        create(1, &[("email", "a@exemple.fr")]),
        create(2, &[("email", "b")]),
        create(3, &[("email", "c@exemple.fr")]),
    ];
    let each = bench.writer().create(&bench.account, Contact, &items).await.unwrap();
    assert_eq!(each[1].as_ref().unwrap_err().code, "customer_invalid_email");
    let ids = [0, 2].map(|at| each[at].as_ref().unwrap().external_id.clone());
    let again = create(4, &[("email", "A@exemple.fr"), ("billing.city", "Brest")]);
    let found = bench.writer().create(&bench.account, Contact, &[again]).await.unwrap().remove(0).unwrap();
    assert_eq!((&found.external_id, found.created), (&ids[0], false));

    let update = |id: &str| Update { external_id: id.to_owned(), fields: fields(&[("first_name", "Zoé")]) };
    let updates = [update(&ids[0]), update("999999")];
    let each = bench.writer().update(&bench.account, Contact, &updates).await.unwrap();
    assert_eq!(each[0].as_ref().unwrap().shown["first_name"], FieldValue::text("Zoé"));
    assert_eq!(each[1].as_ref().unwrap_err().kind, FaultKind::NotFound);
    let gone = [ids[0].clone(), "999999".to_owned()];
    let each = bench.writer().delete(&bench.account, Contact, &gone).await.unwrap();
    assert!(each.iter().all(Result::is_ok), "{each:?}");
    let left = bench.reader().read(&bench.account, Contact, &ids, &[]).await.unwrap();
    assert_eq!(left.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
    assert_eq!(bench.created("customers").await, 2);
}

#[tokio::test]
async fn a_site_that_shows_its_interface_to_nobody_unknown_is_a_shop_by_its_key() {
    let mut bench = Bench::bare_at(WOOCOMMERCE).await;
    bench.faults(json!({"rest_closed": true})).await;
    let found = bench.probe().test(&bench.account).await.unwrap();
    assert_eq!(found.name, found.account_id, "nothing else says how it is called");
    bench.account.credentials = key_pair(WOOCOMMERCE.key, "cs_of_somebody_else");
    assert_eq!(bench.probe().test(&bench.account).await.unwrap_err().kind, FaultKind::Unauthorized);
}

#[tokio::test]
async fn a_prospect_without_an_address_is_refused_alone() {
    let bench = Bench::ready_at(WOOCOMMERCE).await;
    let items =
        [create(1, &[("first_name", "Zoé")]), create(2, &[("email", "b@exemple.fr")]), create(3, &[("email", "b")])];
    let each = bench.writer().create(&bench.account, Contact, &items).await.unwrap();
    assert_eq!(each[0].as_ref().unwrap_err().code, "no_email");
    assert!(each[1].as_ref().unwrap().created);
    assert_eq!(
        (each[2].as_ref().unwrap_err().kind, each[2].as_ref().unwrap_err().code.as_str()),
        (FaultKind::Invalid, "customer_invalid_email")
    );
}

#[tokio::test]
async fn an_order_is_followed_with_its_customer_and_totals_are_never_written() {
    let bench = Bench::ready_at(WOOCOMMERCE).await;
    let ann = one(&bench, Contact, create(1, &[("email", "ann@exemple.fr")])).await;
    let mug = one(
        &bench,
        Product,
        create(2, &[("name", "Tasse"), ("sku", "T-1"), ("regular_price", "10.5"), ("stock_quantity", "9")]),
    )
    .await;
    let made = bench
        .by_hand(Method::POST, "orders", json!({"customer_id": ann.parse::<u64>().unwrap(), "line_items": [{"product_id": mug.parse::<u64>().unwrap(), "quantity": 2}]}))
        .await;
    let id = made["id"].as_str().unwrap();
    let asked = ["number", "status", "total", "currency", "date_created_gmt"];
    let order = read(&bench, Order, id, &asked).await;
    assert_eq!(order.contact, Some(ann.clone()));
    assert_eq!(order.fields["total"], FieldValue::Number(serde_json::Number::from_f64(21.0).unwrap()));
    assert_eq!(order.fields["number"], FieldValue::text(id));
    let FieldValue::Text(at) = &order.fields["date_created_gmt"] else { panic!("no date") };
    assert!(domain::time::Timestamp::parse(at).is_some_and(|parsed| parsed.to_string() == *at), "{at}");
    assert_eq!(read(&bench, Product, &mug, &["stock_quantity"]).await.fields["stock_quantity"], FieldValue::Null);

    let change = Update { external_id: id.to_owned(), fields: fields(&[("status", "completed"), ("total", "0")]) };
    let written = bench.writer().update(&bench.account, Order, &[change]).await.unwrap().remove(0).unwrap();
    assert_eq!(written.shown["total"], order.fields["total"]);
    let bob = one(&bench, Contact, create(3, &[("email", "bob@exemple.fr")])).await;
    let tie = Tie { external_id: id.to_owned(), contact: bob.clone() };
    bench.writer().associate(&bench.account, Order, std::slice::from_ref(&tie)).await.unwrap().remove(0).unwrap();
    assert_eq!(read(&bench, Order, id, &[]).await.contact, Some(bob));
    bench.writer().dissociate(&bench.account, Order, &[tie]).await.unwrap().remove(0).unwrap();
    assert_eq!(read(&bench, Order, id, &[]).await.contact, None);

    bench.writer().delete(&bench.account, Order, &[id.to_owned()]).await.unwrap().remove(0).unwrap();
    let gone = bench.reader().read(&bench.account, Order, &[id.to_owned()], &[]).await.unwrap();
    assert_eq!(gone, [None], "what lies in the trash is not there");
    let trash = bench.changes().list_deleted(&bench.account, Order, None).await.unwrap();
    assert_eq!(trash.ids[0].0, id);
}

#[tokio::test]
async fn a_product_that_has_the_sku_is_taken_over_and_one_of_ours_is_found_by_its_key() {
    let bench = Bench::ready_at(WOOCOMMERCE).await;
    let theirs = bench.by_hand(Method::POST, "products", json!({"name": "Bol", "sku": "B-1"})).await["id"].clone();
    let written =
        bench.writer().create(&bench.account, Product, &[create(1, &[("sku", "B-1"), ("name", "Bol bleu")])]).await;
    let written = written.unwrap().remove(0).unwrap();
    assert_eq!((json!(written.external_id), written.created), (theirs, false));
    let mine = one(&bench, Product, create(2, &[("name", "Sans référence")])).await;
    let searched = [wanted(2, &[]), wanted(9, &[("sku", "B-1")]), wanted(8, &[])];
    let found = bench.reader().find(&bench.account, Product, &searched, &names(&["name"])).await.unwrap();
    assert_eq!(found[0].as_ref().map(|object| (object.external_id.clone(), object.key)), Some((mine, Some(key(2)))));
    assert_eq!(found[1].as_ref().unwrap().fields["name"], FieldValue::text("Bol bleu"));
    assert!(found[2].is_none());
}

#[tokio::test]
async fn an_order_of_ours_is_its_customers_and_found_by_its_key() {
    let bench = Bench::ready_at(WOOCOMMERCE).await;
    let ann = one(&bench, Contact, create(1, &[("email", "ann@exemple.fr")])).await;
    let order = Create { contact: Some(ann.clone()), ..create(2, &[("status", "completed")]) };
    let id = one(&bench, Order, order).await;
    let looked_for = [wanted(2, &[]), wanted(9, &[])];
    let found = bench.reader().find(&bench.account, Order, &looked_for, &names(&["status"])).await.unwrap();
    let found: Vec<_> = found.into_iter().map(|order| order.map(|order| (order.external_id, order.contact))).collect();
    assert_eq!(found, [Some((id, Some(ann))), None]);
}

async fn listed(bench: &Bench, kind: RecordKind, mut cursor: Option<Cursor>) -> (Vec<String>, Cursor) {
    let mut ids = Vec::new();
    loop {
        let page = bench.changes().list(&bench.account, kind, cursor, &names(&["status"])).await.unwrap();
        ids.extend(page.objects.into_iter().map(|object| object.external_id));
        if !page.more {
            return (ids, page.next);
        }
        cursor = Some(page.next);
    }
}

#[tokio::test]
async fn orders_are_listed_from_where_the_last_listing_ended_and_customers_all_over_again() {
    let bench = Bench::ready_at(WOOCOMMERCE).await;
    let rows: Vec<Value> = (0..130).map(|n| json!({"customer_note": n.to_string()})).collect();
    bench.by_hand(Method::POST, "orders/import", json!({"rows": rows})).await;
    let (ids, next) = listed(&bench, Order, None).await;
    let distinct: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), 130, "all of one second");
    let made = bench.by_hand(Method::POST, "orders", json!({})).await;
    let (ids, _) = listed(&bench, Order, Some(next)).await;
    assert!(ids.contains(&made["id"].as_str().unwrap().to_owned()));

    let rows: Vec<Value> = (0..130).map(|n| json!({"email": format!("c{n}@exemple.fr")})).collect();
    bench.by_hand(Method::POST, "customers/import", json!({"rows": rows})).await;
    let (ids, next) = listed(&bench, Contact, None).await;
    assert_eq!(ids.len(), 130);
    assert_eq!(listed(&bench, Contact, Some(next)).await.0.len(), 130);
    let foreign = bench.changes().list(&bench.account, Order, Some(Cursor("{]".to_owned())), &[]).await.unwrap_err();
    assert_eq!(foreign.code, "foreign_cursor");
}

#[tokio::test]
async fn fields_are_described_with_those_that_only_this_shop_has() {
    let bench = Bench::ready_at(WOOCOMMERCE).await;
    let customs =
        json!([{"key": "fidelite", "value": "or"}, {"key": "_interne", "value": "1"}, {"key": "objet", "value": {}}]);
    bench.by_hand(Method::POST, "customers", json!({"email": "a@exemple.fr", "meta_data": customs})).await;
    let described = bench.discovery().fields(&bench.account, Contact).await.unwrap();
    let field = |name: &str| described.iter().find(|field| field.name == name);
    assert!(field("email").unwrap().unique && field("meta_data.fidelite").unwrap().custom);
    assert!(field("billing.phone").is_some() && field("role").unwrap().read_only);
    for absent in ["meta_data._interne", "meta_data.objet", "password", "meta_data", "date_created"] {
        assert!(field(absent).is_none(), "{absent}");
    }
    let orders = bench.discovery().fields(&bench.account, Order).await.unwrap();
    assert!(orders.iter().find(|field| field.name == "total").unwrap().read_only);
    let products = bench.discovery().fields(&bench.account, Product).await.unwrap();
    assert!(products.iter().find(|field| field.name == "stock_quantity").unwrap().read_only);
}

#[tokio::test]
async fn a_shop_that_takes_fewer_in_a_batch_gets_fewer_and_an_outage_is_one() {
    let bench = Bench::ready_at(WOOCOMMERCE).await;
    bench.faults(json!({"batch_limit": 3})).await;
    let items: Vec<Create> = (0..7).map(|n| create(n, &[("email", &format!("c{n}@exemple.fr"))])).collect();
    let each = bench.writer().create(&bench.account, Contact, &items).await.unwrap();
    assert_eq!(each.iter().filter(|each| each.as_ref().is_ok_and(|written| written.created)).count(), 7);
    bench.faults(json!({"fail_all_status": 503, "html_errors": true})).await;
    let error = bench.writer().create(&bench.account, Contact, &items).await.unwrap_err();
    assert_eq!((error.kind, error.outcome_is_unknown()), (FaultKind::Unavailable, true));
}

#[tokio::test]
async fn webhooks_are_made_once_each_and_taken_away_again() {
    let bench = Bench::ready_at(WOOCOMMERCE).await;
    let subscribed = bench.connector().subscriptions().unwrap();
    let url = "http://127.0.0.1:9/webhooks/integrations/woocommerce/int_1".parse().unwrap();
    let target = Target { url, secret: Some("0123456789abcdef".to_owned().into()) };
    let made = bench.is_made_to_call(&target).await;
    assert_eq!(made.made.len(), subscribed.topics().len());
    let again = bench.is_made_to_call(&target).await;
    assert_eq!((again.made.len(), again.removed), (0, 0));
    assert_eq!(subscriptions::remove(subscribed, &bench.account, &target).await.unwrap(), made.made.len());
    assert!(subscribed.list(&bench.account).await.unwrap().is_empty());
}

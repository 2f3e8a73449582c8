//! Where the client goes, and where it does not let itself be led.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::credentials::Credentials;

use super::*;
use crate::account::{Learnt, Unlimited};

/// Says that every name is on loopback.
struct Loopback;

impl Lookup for Loopback {
    async fn lookup(&self, _name: String) -> std::io::Result<Vec<SocketAddr>> {
        Ok(vec![([127, 0, 0, 1], 0).into()])
    }
}

fn account(base_url: &str, http: Client) -> Account {
    Account {
        platform: "hubspot".parse().unwrap(),
        account_id: None,
        base_url: base_url.parse().unwrap(),
        credentials: Credentials::ApiKey { key: "key".to_owned().into(), secret: None },
        shown: KeyShown::AsBearer,
        http,
        budget: Arc::new(Unlimited),
        learnt: Learnt::default(),
        options: std::collections::BTreeMap::new(),
        region: domain::identity::HOME,
    }
}

async fn refusal(base_url: &str, lookup: impl Lookup) -> String {
    refusal_with(base_url, lookup, Vec::new()).await
}

async fn refusal_with(base_url: &str, lookup: impl Lookup, other_ports: Vec<u16>) -> String {
    let reach = Reach::PublicOnly { other_ports };
    let client = Client::resolving_by(Duration::from_secs(2), reach, lookup).unwrap();
    let account = account(base_url, client);
    account.http.send(&account, Call::get(&["status"])).await.unwrap_err().code
}

#[tokio::test]
async fn a_typed_address_that_leads_home_is_refused_for_good() {
    for (base_url, code) in [
        ("https://127.0.0.1:1/", "address_not_public"),
        ("https://[::ffff:10.0.0.1]/", "address_not_public"),
        ("http://shop.example/", "address_not_public"),
        ("https://shop.example/", "address_not_public"),
    ] {
        assert_eq!(refusal(base_url, Loopback).await, code, "{base_url}");
    }
    assert_eq!(refusal("https://localhost:1/", System).await, "address_not_public");
}

#[test]
fn a_path_is_encoded_and_stays_below_the_base() {
    let client = Client::new(Duration::from_secs(1), Reach::Anywhere).unwrap();
    let account = account("http://127.0.0.1:1/hubspot/", client.clone());
    let mut call = Call::get(&["crm/objects", "contacts"]).with("a b", "c&d");
    call.path.push("../é/?x".to_owned());
    let url = client.url_of(&account, &call).unwrap();
    assert_eq!(url.as_str(), "http://127.0.0.1:1/hubspot/crm/objects/contacts/..%2F%C3%A9%2F%3Fx?a+b=c%26d");
}

/// Somebody on this machine who must not be called.
struct Bystander(TcpListener);

impl Bystander {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    fn was_called(&self) -> bool {
        self.0.accept().is_ok()
    }
}

/// Answers with a public address and a private one first, and with the private one alone from then on.
struct Turning(Arc<AtomicUsize>);

impl Lookup for Turning {
    async fn lookup(&self, _name: String) -> std::io::Result<Vec<SocketAddr>> {
        let home = ([127, 0, 0, 1], 0).into();
        // Reserved for nobody: no packet to it comes back.
        let public = ([192, 0, 1, 1], 0).into();
        Ok(if self.0.fetch_add(1, Ordering::SeqCst) == 0 { vec![home, public] } else { vec![home] })
    }
}

#[tokio::test]
async fn a_name_that_turns_home_between_two_looks_is_never_called_there() {
    let (bystander, looks) = (Bystander::new(), Arc::new(AtomicUsize::new(0)));
    let base_url = format!("https://shop.example:{}/", bystander.port());
    let reach = Reach::PublicOnly { other_ports: vec![bystander.port()] };
    let client = Client::resolving_by(Duration::from_millis(300), reach, Turning(Arc::clone(&looks))).unwrap();
    let account = account(&base_url, client);
    let mut codes = Vec::new();
    for _ in 0..2 {
        codes.push(account.http.send(&account, Call::get(&["status"])).await.unwrap_err().code);
    }
    assert_ne!(codes[0], "address_not_public", "the public address is tried first");
    assert_eq!(codes[1], "address_not_public");
    assert_eq!(looks.load(Ordering::SeqCst), 2, "each connection looks once, and goes where that look said");
    assert!(!bystander.was_called());
}

#[tokio::test]
async fn a_port_that_nobody_named_is_refused_before_anything_is_looked_up() {
    let bystander = Bystander::new();
    let base_url = format!("https://shop.example:{}/", bystander.port());
    let looks = Arc::new(AtomicUsize::new(0));
    assert_eq!(refusal(&base_url, Turning(Arc::clone(&looks))).await, "address_not_public");
    assert_eq!(looks.load(Ordering::SeqCst), 0);
    assert!(!bystander.was_called());
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (bystander, server) = (Bystander::new(), TcpListener::bind("127.0.0.1:0").unwrap());
    let base_url = format!("http://{}/", server.local_addr().unwrap());
    let elsewhere = format!("http://127.0.0.1:{}/latest/meta-data/", bystander.port());
    let answering = std::thread::spawn(move || {
        let (mut caller, _) = server.accept().unwrap();
        assert!(caller.read(&mut [0; 4_096]).unwrap() > 0);
        let answer = format!("HTTP/1.1 307 Moved\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\n\r\n");
        caller.write_all(answer.as_bytes()).unwrap();
    });
    let account = account(&base_url, Client::new(Duration::from_secs(5), Reach::Anywhere).unwrap());
    let error = account.http.send(&account, Call::get(&["status"])).await.unwrap_err();
    answering.join().unwrap();
    assert_eq!((error.code.as_str(), error.status), ("http_307", Some(307)));
    assert!(!bystander.was_called());
}

//! The life of a grant whose refresh tokens are good for one use: many workers, crashes and outages, and never a second use.

use std::time::Duration;

use accounts::{AccountError, Accounts};
use connectors::oauth::{Code, Grant};
use domain::integration::{Integration, Status};
use persistence::Scope;
use reqwest::redirect::Policy;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use testkit::wait;

use crate::grants::{EXPIRE_LEASE, LOST, PATIENCE, REDIRECT, SHOWN, code_in};
use crate::opening::World;

/// How long the platform may take; a lease is three times that.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A grant at a stand-in that takes each refresh token once, and the whole grant back at a second use.
struct Life {
    world: World,
    sandbox: sandbox::Running,
    client: reqwest::Client,
    integration: Integration,
}

impl Life {
    async fn start() -> Self {
        let world = World::start().await;
        let sandbox = sandbox::start(sandbox::Options::default()).unwrap();
        let client = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        let integration = world.integration("hubspot", "4242", None);
        let life = Self { world, sandbox, client, integration };
        life.switch(json!({ "single_use_refresh": true })).await;
        life.connect().await;
        life
    }

    /// The accounts as one more process has them.
    fn process(&self) -> Accounts {
        self.process_that_waits(TIMEOUT)
    }

    fn process_that_waits(&self, timeout: Duration) -> Accounts {
        let settings = [
            ("HUBSPOT__BASE_URL", self.sandbox.hubspot_url()),
            ("HUBSPOT__AUTHORIZE_URL", self.sandbox.hubspot_url()),
            ("HUBSPOT__CLIENT_ID", "sandbox-client".to_owned()),
            ("HUBSPOT__CLIENT_SECRET", "sandbox-secret".to_owned()),
            ("HUBSPOT__SINGLE_USE_REFRESH", "true".to_owned()),
        ];
        self.world.process(settings, timeout)
    }

    /// Lays switches over those of the account.
    async fn switch(&self, faults: Value) {
        let url = format!("{}/_sandbox/hubspot/4242/faults", self.sandbox.url);
        self.client.put(url).json(&faults).send().await.unwrap().error_for_status().unwrap();
    }

    /// Keeps the integration with a grant that was just given.
    async fn connect(&self) {
        let accounts = self.process();
        let grant = self.given(&accounts).await;
        self.world.keep_granted(&accounts, &self.integration, &grant).await;
    }

    async fn given(&self, accounts: &Accounts) -> Grant {
        let form = [
            ("redirect_uri", REDIRECT),
            ("state", "s"),
            ("code_challenge", ""),
            ("account", "4242"),
            ("decision", "grant"),
        ];
        let page = format!("{}/oauth/authorize", self.sandbox.hubspot_url());
        let answer = self.client.post(page).form(&form).send().await.unwrap();
        let code = code_in(&answer);
        let doorway = accounts.doorway(&self.integration.platform, None).unwrap();
        let redirect_uri = REDIRECT.parse().unwrap();
        let code = Code { code: &code, verifier: None, redirect_uri: &redirect_uri, scopes: doorway.terms.scopes };
        doorway.exchange(&code).await.unwrap()
    }

    /// The access token comes to the second half of its life, or to its end.
    async fn age(&self, is_over: bool) {
        let end = if is_over { "now() - interval '1 second'" } else { "now() + interval '1 minute'" };
        let statement =
            format!("UPDATE integration_oauth_tokens SET expires_at = {end}, refreshed_at = now() - interval '1 hour'");
        self.world.database.execute(&statement).await;
    }

    /// How often the token endpoint was called.
    async fn calls(&self) -> usize {
        let url = format!("{}/_sandbox/requests?platform=hubspot&account=4242", self.sandbox.url);
        let requests: Vec<Value> = self.client.get(url).send().await.unwrap().json().await.unwrap();
        requests.iter().filter(|request| request["path"] == "/oauth/token").count()
    }

    /// Whether the platform still takes what the accounts open with.
    async fn works(&self, accounts: &Accounts) -> bool {
        let account = accounts.open(&self.integration).await.unwrap();
        let url = format!("{}/account-info/2026-03/details", self.sandbox.hubspot_url());
        let answer = self.client.get(url).bearer_auth(account.bearer().expose_secret()).send().await.unwrap();
        answer.status().is_success()
    }

    /// Waits until the platform was asked so often.
    async fn is_asked(&self, times: usize) {
        wait::until("the platform to be asked", PATIENCE, || async { (self.calls().await >= times).then_some(()) })
            .await;
    }

    /// A process begins to refresh and is killed once the platform is asked.
    async fn killed_when_asking(&self) {
        let before = self.calls().await;
        let (accounts, integration) = (self.process(), self.integration.clone());
        let process = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        process.spawn(async move { accounts.open(&integration).await });
        self.is_asked(before + 1).await;
        process.shutdown_background();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_3_many_workers_of_many_processes_make_one_token_call_per_expiry() {
    let life = Life::start().await;
    for round in 1..=3 {
        life.age(round == 2).await;
        let before = life.calls().await;
        let processes: Vec<Accounts> = (0..4).map(|_| life.process()).collect();
        let workers = processes.iter().flat_map(|process| std::iter::repeat_n(process, 4));
        let workers = workers.map(|process| {
            let (process, integration) = (process.clone(), life.integration.clone());
            tokio::spawn(async move { process.open(&integration).await.map(drop) })
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.await.unwrap().unwrap();
        }
        // Who found the grant taken while its token was still good went on with that; the refresh itself goes on by itself.
        wait::until("the refresh to end", PATIENCE, || async {
            (life.world.database.count(SHOWN).await == 0).then_some(())
        })
        .await;
        assert_eq!(life.calls().await - before, 1, "round {round}");
        assert!(life.works(&life.process()).await, "round {round}");
    }
    assert_eq!(life.world.standing(&life.integration).await.0, Status::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_3_a_process_that_dies_before_the_platform_took_the_token_costs_nothing() {
    let life = Life::start().await;
    life.age(true).await;
    life.switch(json!({ "hang": true })).await;
    life.killed_when_asking().await;
    life.switch(json!({ "hang": false })).await;
    life.world.database.execute(EXPIRE_LEASE).await;
    assert!(life.works(&life.process()).await);
    assert_eq!(life.world.standing(&life.integration).await, (Status::Active, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_3_a_process_that_dies_between_rotation_and_commit_parks_the_integration_without_a_second_use() {
    let life = Life::start().await;
    life.age(true).await;
    life.switch(json!({ "lost_answer_next": 1, "lost_answer_as": "silence" })).await;
    let before = life.calls().await;
    let (accounts, integration) = (life.process(), life.integration.clone());
    let process = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    process.spawn(async move { accounts.open(&integration).await });
    // The switch is counted down once the token was spent.
    wait::until("the platform to have rotated the token", PATIENCE, || async {
        let url = format!("{}/_sandbox/hubspot/4242/faults", life.sandbox.url);
        let faults: Value = life.client.get(url).send().await.unwrap().json().await.unwrap();
        (faults["lost_answer_next"] == 0).then_some(())
    })
    .await;
    process.shutdown_background();
    life.world.database.execute(EXPIRE_LEASE).await;
    let refused = life.process().open(&life.integration).await.unwrap_err();
    assert!(matches!(&refused, AccountError::GrantEnded(cause) if cause.contains(LOST)), "{refused:?}");
    let (status, cause) = life.world.standing(&life.integration).await;
    assert_eq!(status, Status::ReauthRequired);
    assert!(cause.unwrap().contains(LOST));
    assert_eq!(life.calls().await - before, 1, "the old token was shown a second time");
    // It stays so for whoever comes next, and asks the platform nothing.
    assert!(life.process().open(&life.integration).await.is_err());
    assert_eq!(life.calls().await - before, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_gives_up_does_not_stop_a_refresh() {
    let life = Life::start().await;
    life.age(true).await;
    // Long enough for the caller to give up meanwhile.
    life.switch(json!({ "latency_ms": 5_000 })).await;
    let (process, before) = (life.process(), life.calls().await);
    let opening = {
        let (process, integration) = (process.clone(), life.integration.clone());
        tokio::spawn(async move { process.open(&integration).await.map(drop) })
    };
    life.is_asked(before + 1).await;
    opening.abort();
    life.switch(json!({ "latency_ms": 0 })).await;
    assert!(life.works(&process).await);
    assert_eq!(life.calls().await - before, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_3_an_outage_never_ends_a_grant() {
    let life = Life::start().await;
    life.age(true).await;
    for status in [500, 503, 429, 404] {
        life.switch(json!({ "fail_next": { "count": 1, "status": status } })).await;
        let error = life.process().open(&life.integration).await.unwrap_err();
        assert!(matches!(error, AccountError::Platform(_)), "{status}: {error:?}");
    }
    assert_eq!(life.world.standing(&life.integration).await, (Status::Active, None));
    // While the access token is good, an outage is not even noticed.
    life.age(false).await;
    life.switch(json!({ "fail_next": { "count": 1, "status": 503 } })).await;
    life.process().open(&life.integration).await.unwrap();
    assert!(life.works(&life.process()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_was_withdrawn_is_given_up_with_its_cause() {
    let life = Life::start().await;
    life.age(true).await;
    life.switch(json!({ "token_revoked": true })).await;
    let refused = life.process().open(&life.integration).await.unwrap_err();
    assert!(matches!(&refused, AccountError::GrantEnded(cause) if cause.contains("retirée")), "{refused:?}");
    assert_eq!(life.world.standing(&life.integration).await.0, Status::ReauthRequired);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_took_the_place_of_a_withdrawn_one_meanwhile_is_what_counts() {
    let life = Life::start().await;
    let process = life.process_that_waits(Duration::from_secs(30));
    let another = life.given(&process).await;
    life.age(true).await;
    // Long enough for what happens meanwhile.
    life.switch(json!({ "token_revoked": true, "latency_ms": 15_000 })).await;
    let before = life.calls().await;
    let refreshing = {
        let (process, integration) = (process.clone(), life.integration.clone());
        tokio::spawn(async move { process.open(&integration).await })
    };
    life.is_asked(before + 1).await;
    let mut tx = life.world.owner().begin(Scope::System).await.unwrap();
    process.keep_grant(&mut tx, (life.world.tenant, life.integration.id), &another).await.unwrap();
    tx.commit().await.unwrap();
    life.switch(json!({ "token_revoked": false, "latency_ms": 0 })).await;
    let opened = refreshing.await.unwrap().unwrap();
    assert_eq!(opened.bearer().expose_secret(), another.access_token.expose_secret());
    assert_eq!(life.world.standing(&life.integration).await, (Status::Active, None));
    assert!(life.works(&life.process()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_that_is_refused_is_replaced_and_the_call_made_again() {
    let life = Life::start().await;
    // The platform says that it is over long before its time.
    life.switch(json!({ "access_token_seconds": 0 })).await;
    life.age(true).await;
    life.process().open(&life.integration).await.ok();
    life.switch(json!({ "access_token_seconds": 1800 })).await;
    let statement = "UPDATE integration_oauth_tokens SET expires_at = now() + interval '1 hour', refreshed_at = now()";
    life.world.database.execute(statement).await;
    let account = life.process().open(&life.integration).await.unwrap();
    let probe = connectors::registry::Platform::HubSpot.connector().probe();
    let before = life.calls().await;
    assert_eq!(probe.test(&account).await.unwrap().account_id, "4242");
    assert_eq!(life.calls().await - before, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_grant_is_refreshed_on_demand() {
    let life = Life::start().await;
    let before = life.calls().await;
    life.process().keep_alive(&life.integration).await.unwrap();
    assert_eq!(life.calls().await - before, 1);
    assert!(life.works(&life.process()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_ends_by_the_databases_clock() {
    let life = Life::start().await;
    let an_hour = "UPDATE integration_oauth_tokens SET expires_at = now() + interval '1 hour', refreshed_at = now()";
    life.world.database.execute(an_hour).await;
    life.world.database.put_ahead().await;
    let before = life.calls().await;
    // By the clock of the process it has an hour left.
    life.process().open(&life.integration).await.unwrap();
    assert_eq!(life.calls().await - before, 1);
    let kept = "SELECT count(*) FROM integration_oauth_tokens WHERE expires_at > pg_catalog.now() + interval '2 hours'";
    assert_eq!(life.world.database.count(kept).await, 1);
    life.process().open(&life.integration).await.unwrap();
    assert_eq!(life.calls().await - before, 1, "and it is good for the others");
}

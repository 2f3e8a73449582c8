//! A platform that takes each refresh token once, as Zendesk does: what an expiry costs, whoever dies over it and wherever.

use std::time::Duration;

use accounts::{AccountError, Accounts};
use connectors::oauth::{Authorization, Code, Grant, Pkce};
use connectors::registry::Platform;
use domain::integration::{Integration, Status};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use testkit::wait;
use url::Url;

use crate::grants::{EXPIRE_LEASE, LOST, PATIENCE, REDIRECT, SHOWN, code_in};
use crate::opening::World;

const TIMEOUT: Duration = Duration::from_secs(30);

/// One whose refresh is not at its end.
const UNDER_WAY: &str =
    "SELECT count(*) FROM integration_oauth_tokens WHERE lease_token IS NOT NULL AND ended_cause IS NULL";
const KEPT: &str = "SELECT count(*) FROM integration_oauth_tokens WHERE refreshed_at > now() - interval '1 minute'";

/// The access token comes near its end.
const EXPIRE: &str = "UPDATE integration_oauth_tokens
    SET expires_at = now() + interval '1 minute', refreshed_at = now() - interval '1 hour'";

/// Where a process is killed over a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    Nowhere,
    /// The token was shown, and the platform has not taken it.
    Shown,
    /// The platform has taken it and made another, of which we know nothing: the window that nobody can close.
    Answered,
    /// The new one is committed.
    Kept,
}

struct Site {
    world: World,
    sandbox: sandbox::Running,
    client: reqwest::Client,
}

impl Site {
    async fn start() -> Self {
        let world = World::start().await;
        let sandbox = sandbox::start(sandbox::Options::default()).unwrap();
        let client = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        let site = Self { world, sandbox, client };
        site.switch(json!({ "single_use_refresh": true })).await;
        site
    }

    /// The accounts as one more process has them.
    fn process(&self) -> Accounts {
        let settings = [
            ("ZENDESK__BASE_URL", self.sandbox.platform_url("zendesk/{account}")),
            ("ZENDESK__ALLOW_PRIVATE_ADDRESSES", "true".to_owned()),
            ("ZENDESK__CLIENT_ID", "sandbox-client".to_owned()),
            ("ZENDESK__CLIENT_SECRET", "sandbox-secret".to_owned()),
        ];
        self.world.process(settings, TIMEOUT)
    }

    async fn switch(&self, faults: Value) {
        self.client.put(self.faults_url()).json(&faults).send().await.unwrap().error_for_status().unwrap();
    }

    fn faults_url(&self) -> String {
        format!("{}/_sandbox/zendesk/acme/faults", self.sandbox.url)
    }

    /// How often the token endpoint was called.
    async fn calls(&self) -> usize {
        let url = format!("{}/_sandbox/requests?platform=zendesk&account=acme", self.sandbox.url);
        let requests: Vec<Value> = self.client.get(url).send().await.unwrap().json().await.unwrap();
        requests.iter().filter(|request| request["path"] == "/oauth/token").count()
    }

    /// Keeps an integration of that name with a grant that was just given.
    async fn connect(&self, account: &str) -> Integration {
        let (accounts, integration) = (self.process(), self.world.integration("zendesk", account, Some("acme")));
        let grant = self.given(&accounts).await;
        self.world.keep_granted(&accounts, &integration, &grant).await;
        integration
    }

    async fn given(&self, accounts: &Accounts) -> Grant {
        let doorway = accounts.doorway(&"zendesk".parse().unwrap(), Some("acme")).unwrap();
        let pkce = Pkce::of("v".repeat(64).into());
        let (redirect_uri, scopes): (Url, _) = (REDIRECT.parse().unwrap(), doorway.terms.scopes);
        let challenge = Some(pkce.challenge.as_str());
        let asked = Authorization { state: "s", challenge, redirect_uri: &redirect_uri, scopes };
        let page = doorway.oauth().unwrap().authorize_url(&doorway.app, &asked);
        let scope = scopes.join(" ");
        let form = [
            ("redirect_uri", REDIRECT),
            ("state", "s"),
            ("code_challenge", pkce.challenge.as_str()),
            ("scope", scope.as_str()),
            ("account", "acme"),
            ("decision", "grant"),
        ];
        let answer = self.client.post(page).form(&form).send().await.unwrap();
        let code = code_in(&answer);
        let code = Code { code: &code, verifier: Some(&pkce.verifier), redirect_uri: &redirect_uri, scopes };
        doorway.exchange(&code).await.unwrap()
    }

    async fn is(&self, so: &str) -> bool {
        self.world.database.count(so).await == 1
    }

    /// A process begins to refresh and is killed there.
    async fn somebody_dies(&self, integration: &Integration, death: Death) {
        match death {
            Death::Nowhere => return,
            Death::Shown => self.switch(json!({ "hang": true })).await,
            Death::Answered => self.switch(json!({ "lost_answer_next": 1, "lost_answer_as": "silence" })).await,
            Death::Kept => {}
        }
        let before = self.calls().await;
        let (accounts, integration) = (self.process(), integration.clone());
        let process = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        process.spawn(async move { accounts.open(&integration).await });
        wait::until("the process to be where it is killed", PATIENCE, || async {
            let is_there = match death {
                Death::Nowhere => true,
                Death::Shown => self.is(SHOWN).await && self.calls().await == before + 1,
                // The switch is counted down once the token was spent.
                Death::Answered => {
                    let faults: Value = self.client.get(self.faults_url()).send().await.unwrap().json().await.unwrap();
                    faults["lost_answer_next"] == 0
                }
                Death::Kept => self.is(KEPT).await,
            };
            is_there.then_some(())
        })
        .await;
        process.shutdown_background();
        self.switch(json!({ "hang": false, "lost_answer_next": 0 })).await;
        self.world.database.execute(EXPIRE_LEASE).await;
    }

    /// Workers of several processes open the account at once; why the grant is no more then, where it is.
    async fn everybody_opens(&self, integration: &Integration) -> Option<String> {
        let processes: Vec<Accounts> = (0..3).map(|_| self.process()).collect();
        let workers = processes.iter().flat_map(|process| std::iter::repeat_n(process, 3)).map(|process| {
            let (process, integration) = (process.clone(), integration.clone());
            tokio::spawn(async move { process.open(&integration).await.map(drop) })
        });
        for worker in workers.collect::<Vec<_>>() {
            let opened = worker.await.unwrap();
            assert!(matches!(opened, Ok(()) | Err(AccountError::GrantEnded(_))), "{opened:?}");
        }
        wait::until("the refresh to end", PATIENCE, || async {
            (self.world.database.count(UNDER_WAY).await == 0).then_some(())
        })
        .await;
        match self.process().open(integration).await {
            Ok(account) => {
                Platform::Zendesk.connector().probe().test(&account).await.unwrap();
                None
            }
            Err(AccountError::GrantEnded(cause)) => Some(cause),
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn promise_3_wherever_one_dies_an_expiry_costs_one_token_and_a_grant_is_lost_in_one_window_alone() {
    let site = Site::start().await;
    let integration = site.connect("acme").await;
    let (mut expiries, mut taken, mut lost) = (0, 0, 0);
    let between = [Death::Shown, Death::Kept, Death::Answered].into_iter().flat_map(|death| [Death::Nowhere, death]);
    for death in between {
        let before = site.calls().await;
        site.world.database.execute(EXPIRE).await;
        expiries += 1;
        site.somebody_dies(&integration, death).await;
        let ended = site.everybody_opens(&integration).await;
        // The call that hung when its process died was never taken.
        let untaken = usize::from(death == Death::Shown);
        let calls = site.calls().await - before;
        assert_eq!(calls, 1 + untaken, "{death:?}");
        taken += calls - untaken;
        let standing = site.world.standing(&integration).await;
        match ended {
            None => assert_eq!(standing, (Status::Active, None), "{death:?}"),
            Some(cause) => {
                lost += 1;
                assert!(death == Death::Answered && cause.contains(LOST), "{death:?}: {cause}");
                assert_eq!(standing, (Status::ReauthRequired, Some(cause)));
            }
        }
    }
    assert_eq!((expiries, taken, lost), (6, 6, 1));
    // It stays so for whoever comes next, and asks the platform nothing.
    let before = site.calls().await;
    assert!(site.everybody_opens(&integration).await.is_some());
    assert_eq!(site.calls().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_idle_grants_those_are_refreshed_that_the_platform_would_let_die_and_no_others() {
    let site = Site::start().await;
    let (aged, fresh) = (site.connect("acme").await, site.connect("acme-2").await);
    for (integration, days) in [(&aged, 11), (&fresh, 9)] {
        let statement = format!(
            "UPDATE integration_oauth_tokens SET refreshed_at = now() - interval '{days} days' WHERE integration_id = '{}'",
            integration.id
        );
        site.world.database.execute(&statement).await;
    }
    let (process, before) = (site.process(), site.calls().await);
    assert_eq!(process.keep_idle_alive(10).await.unwrap(), 1);
    assert_eq!(site.calls().await - before, 1);
    let kept = |integration: &Integration| format!("{KEPT} AND integration_id = '{}'", integration.id);
    assert!(site.is(&kept(&aged)).await && !site.is(&kept(&fresh)).await);
    assert_eq!((process.keep_idle_alive(10).await.unwrap(), site.calls().await - before), (0, 1));
    assert_eq!(site.everybody_opens(&aged).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_idle_by_the_databases_clock() {
    let site = Site::start().await;
    site.connect("acme").await;
    let nearly_ten_days = "UPDATE integration_oauth_tokens SET refreshed_at = now() - interval '239 hours'";
    site.world.database.execute(nearly_ten_days).await;
    site.world.database.put_ahead().await;
    assert_eq!(site.process().keep_idle_alive(10).await.unwrap(), 1);
}

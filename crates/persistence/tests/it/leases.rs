//! A lease on a link: whose it can be, and what giving it back may not undo.

use std::borrow::Cow;
use std::time::Duration;

use domain::fault::FaultKind;
use domain::field::{FieldValue, RemoteFields};
use domain::id::{IntegrationId, LeaseToken, LinkId, RecordId, TenantId};
use domain::kind::RecordKind;
use domain::link::{LinkState, RemoteObject};
use domain::outcome::SyncError;
use domain::record::{Fields, Record};
use domain::time::Timestamp;
use persistence::records::links::{self, Ending, Heard, Intention, Leased, Selection, Settlement, Wanted};
use persistence::records::store;
use persistence::{Scope, Transaction};
use testkit::wait;

use crate::world::{Customer, World, number, try_to};

const A_WHILE: Duration = Duration::from_secs(60);
/// What everything of these tests is at first.
const FIRST: i64 = 1;

/// A record that is owed to the customer's integration.
pub(crate) struct Owed {
    pub(crate) customer: Customer,
    record: RecordId,
    pub(crate) link: LinkId,
}

impl Owed {
    pub(crate) async fn new(world: &World) -> Self {
        let customer = world.customer("4242").await;
        let record = Record {
            id: RecordId::new(),
            tenant_id: customer.tenant,
            kind: RecordKind::Contact,
            fields: Fields::default(),
            version: FIRST,
        };
        let mut tx = world.worker.begin(Scope::System).await.unwrap();
        store::save(&mut tx, &[&record]).await.unwrap();
        let mut owed = Self { customer, record: record.id, link: LinkId::new() };
        owed.raise(&mut tx, FIRST, FIRST).await;
        let pushes = links::owed_of(&mut tx, customer.tenant, &[record.id]).await.unwrap();
        owed.link = pushes[0].link_id;
        tx.commit().await.unwrap();
        owed
    }

    /// Raises what the link should reach, as a merge or a change of the mapping does.
    async fn raise(&self, tx: &mut Transaction, version: i64, mapping: i64) {
        let (integration, record) = (self.customer.integration, self.record);
        let wanted = Wanted { integration, record, kind: RecordKind::Contact, version, mapping };
        links::raise(tx, self.customer.tenant, &[wanted]).await.unwrap();
    }

    async fn lease_as(&self, world: &World, who: (TenantId, IntegrationId)) -> Vec<(Leased, LeaseToken)> {
        let (token, mut tx) = (LeaseToken::new(), world.worker.begin(Scope::System).await.unwrap());
        let leased = links::lease(&mut tx, who, &[self.link], token, A_WHILE).await.unwrap();
        tx.commit().await.unwrap();
        leased.into_iter().map(|leased| (leased, token)).collect()
    }

    pub(crate) async fn lease(&self, world: &World) -> (Leased, LeaseToken) {
        self.lease_as(world, (self.customer.tenant, self.customer.integration)).await.pop().unwrap()
    }

    /// How the link is: whether it is owed, and whether it is blocked.
    async fn state(&self, world: &World) -> (bool, bool) {
        let mut tx = world.worker.begin(Scope::System).await.unwrap();
        let views = links::of_record(&mut tx, self.customer.tenant, self.record).await.unwrap();
        tx.commit().await.unwrap();
        (views[0].is_owed, views[0].is_blocked)
    }
}

/// Gives a link back blocked, at what it was when it was taken.
async fn block(world: &World, leased: Leased, token: LeaseToken) {
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    assert_eq!(links::settle(&mut tx, token, &[refused(leased)]).await.unwrap().len(), 1);
    tx.commit().await.unwrap();
}

/// A link given back blocked, at what it was when it was taken.
pub(crate) fn refused(leased: Leased) -> Settlement<'static> {
    let error = SyncError { class: FaultKind::Invalid, code: "refused".to_owned(), message: "no".to_owned() };
    Settlement {
        link: leased.push.link_id,
        record: leased.record,
        state: Cow::Owned(leased.state),
        gone: leased.gone,
        synced_version: leased.synced_version,
        tried_version: FIRST,
        synced_mapping: leased.synced_mapping,
        tried_mapping: FIRST,
        heard_seq: leased.remote_seq,
        read_seq: leased.read_seq,
        attempts: 1,
        intent_is_open: false,
        errand: None,
        hinted_id: None,
        ending: Ending::Blocked { error },
        outcomes: Cow::default(),
    }
}

#[tokio::test]
async fn rule_07_of_all_who_ask_for_a_link_at_once_one_is_given_it_and_who_takes_it_over_knows() {
    let world = World::new().await;
    let owed = Owed::new(&world).await;
    let who = (owed.customer.tenant, owed.customer.integration);
    let ask = || owed.lease_as(&world, who);
    let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
    let mut given = [a, b, c, d].concat();
    assert_eq!(given.len(), 1);
    let (first, stale) = given.pop().unwrap();
    assert!(!first.was_taken_over);

    // It ends: whoever takes it over knows that, and the first one can give nothing back any more.
    let end = "UPDATE record_links SET lease_until = now() - interval '1 second'";
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    assert_eq!(try_to(&mut tx, end).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let (second, token) = owed.lease(&world).await;
    assert!(second.was_taken_over);
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    assert_eq!(links::settle(&mut tx, stale, &[refused(first)]).await.unwrap().len(), 0);
    tx.commit().await.unwrap();
    assert_eq!(owed.state(&world).await, (true, false));
    block(&world, second, token).await;
}

/// One dies over a write that landed; another reads what it showed, notes the next write, and dies before making it.
#[tokio::test]
async fn a_second_death_over_another_write_does_not_pass_the_first_one_off_as_it() {
    let world = World::new().await;
    let owed = Owed::new(&world).await;
    let city = |name: &str| RemoteFields::from([("city".to_owned(), FieldValue::text(name))]);
    let there = RemoteObject { external_id: "501".to_owned(), fields: city("Arles"), ..RemoteObject::default() };
    let (leased, token) = owed.lease(&world).await;
    let mut state = LinkState { external_id: Some("501".to_owned()), ..leased.state.clone() };
    state.wrote("501", city("Nîmes"), &city("Nîmes"));
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let settlement = Settlement { state: Cow::Owned(state), ending: Ending::Released(None), ..refused(leased) };
    assert_eq!(links::settle(&mut tx, token, &[settlement]).await.unwrap().len(), 1);
    tx.commit().await.unwrap();

    // Arles is written, and its writer dies. The next one finds it there, and is to write Sète.
    for (meant, is_first) in [("Arles", true), ("Sète", false)] {
        let (mut leased, token) = owed.lease(&world).await;
        if let Some(intent) = leased.intent.as_ref() {
            leased.state.take_up(&intent.fields, &there);
        }
        assert_eq!(leased.intent.is_none(), is_first);
        let intention = Intention { fields: city(meant), known: Some(leased.state), goes_on: false };
        let mut tx = world.worker.begin(Scope::System).await.unwrap();
        let held = links::intend(&mut tx, &[(owed.link, intention)].into(), token).await.unwrap();
        assert_eq!(held, [owed.link]);
        links::give_up(&mut tx, &held, token).await.unwrap();
        tx.commit().await.unwrap();
    }

    // Whoever comes now sees that Sète was never written.
    let (leased, _) = owed.lease(&world).await;
    let mut state = leased.state;
    state.take_up(&leased.intent.unwrap().fields, &there);
    assert_eq!((&state.sent, &state.seen), (&city("Arles"), &city("Arles")));
}

#[tokio::test]
async fn a_link_is_held_on_the_disk_by_whoever_still_has_it_before_its_object_is_deleted() {
    let world = World::new().await;
    let owed = Owed::new(&world).await;
    let (_, token) = owed.lease(&world).await;
    let writes = "SELECT (pg_current_xact_id_if_assigned() IS NOT NULL)::int::bigint AS number";
    for (token, is_held) in [(LeaseToken::new(), false), (token, true)] {
        let mut tx = world.worker.begin(Scope::System).await.unwrap();
        let held = links::hold(&mut tx, &[owed.link].into(), token).await.unwrap();
        assert_eq!(held.contains(&owed.link), is_held);
        assert_eq!(number(&mut tx, writes).await, i64::from(is_held), "whether its commit waits for the disk");
        tx.commit().await.unwrap();
    }
    world.server.execute("UPDATE record_links SET lease_until = now() - interval '1 second'").await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    assert_eq!(links::hold(&mut tx, &[owed.link].into(), token).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_given_up_is_free_at_once_for_somebody_who_reads_first() {
    let world = World::new().await;
    let owed = Owed::new(&world).await;
    let (leased, token) = owed.lease(&world).await;
    let who = (owed.customer.tenant, owed.customer.integration);
    let give_up = async |token| {
        let mut tx = world.worker.begin(Scope::System).await.unwrap();
        links::give_up(&mut tx, &[owed.link], token).await.unwrap();
        tx.commit().await.unwrap();
    };
    give_up(LeaseToken::new()).await;
    assert!(owed.lease_as(&world, who).await.is_empty(), "one gave up what another held");
    give_up(token).await;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    assert!(links::settle(&mut tx, token, &[refused(leased)]).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    assert!(owed.lease(&world).await.0.was_taken_over);
}

#[tokio::test]
async fn a_link_is_taken_only_in_the_name_of_its_own_tenant_and_integration() {
    let world = World::new().await;
    let owed = Owed::new(&world).await;
    let (mine, theirs) = (owed.customer, world.customer("5353").await);
    for stranger in [
        (theirs.tenant, theirs.integration),
        (theirs.tenant, mine.integration),
        (mine.tenant, theirs.integration),
        (mine.tenant, mine.backend),
    ] {
        assert!(owed.lease_as(&world, stranger).await.is_empty());
    }
    let (leased, _) = owed.lease(&world).await;
    assert!(!leased.was_taken_over, "a stranger left a lease behind");
    assert!(owed.lease_as(&world, (mine.tenant, mine.integration)).await.is_empty(), "taken twice at once");
}

#[tokio::test]
async fn a_block_holds_what_was_tried_and_is_lifted_by_a_replay() {
    let world = World::new().await;
    let owed = Owed::new(&world).await;
    let (leased, token) = owed.lease(&world).await;
    block(&world, leased, token).await;
    assert_eq!(owed.state(&world).await, (false, true));

    let Customer { tenant, integration, .. } = owed.customer;
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    assert!(links::replay(&mut tx, (TenantId::new(), integration), &Selection::default()).await.unwrap().is_empty());
    let another = Selection { fingerprint: Some("another".to_owned()), ..Selection::default() };
    assert!(links::replay(&mut tx, (tenant, integration), &another).await.unwrap().is_empty());
    let replayed = links::replay(&mut tx, (tenant, integration), &Selection::default()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(replayed.iter().map(|push| push.link_id).collect::<Vec<_>>(), [owed.link]);
    assert_eq!(owed.state(&world).await, (true, false));
}

#[tokio::test]
async fn a_block_does_not_swallow_what_came_while_the_link_was_held() {
    let world = World::new().await;
    for (version, mapping) in [(FIRST + 1, FIRST), (FIRST, FIRST + 1)] {
        let owed = Owed::new(&world).await;
        let (leased, token) = owed.lease(&world).await;
        let mut tx = world.worker.begin(Scope::System).await.unwrap();
        owed.raise(&mut tx, version, mapping).await;
        tx.commit().await.unwrap();
        block(&world, leased, token).await;
        assert_eq!(owed.state(&world).await, (true, false), "version {version}, mapping {mapping}");
    }
}

#[tokio::test]
async fn nor_what_is_being_raised_while_the_link_is_given_back() {
    let world = World::new().await;
    let owed = Owed::new(&world).await;
    let (leased, token) = owed.lease(&world).await;
    let mut raising = world.worker.begin(Scope::System).await.unwrap();
    owed.raise(&mut raising, FIRST + 1, FIRST).await;
    let waiting = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE NOT granted AND datname = current_database()";
    tokio::join!(block(&world, leased, token), async {
        wait::until("the link to be waited for", A_WHILE, || async {
            (world.server.count(waiting).await == 1).then_some(())
        })
        .await;
        raising.commit().await.unwrap();
    });
    assert_eq!(owed.state(&world).await, (true, false));
}

#[tokio::test]
async fn who_raises_and_who_gives_back_wait_for_links_in_one_order() {
    let world = World::new().await;
    let customer = world.customer("4242").await;
    let (tenant_id, kind) = (customer.tenant, RecordKind::Contact);
    let record = |_| Record { id: RecordId::new(), tenant_id, kind, fields: Fields::default(), version: FIRST };
    let mut records: Vec<Record> = (0..8).map(record).collect();
    records.sort_by_key(|record| record.id);
    let ids: Vec<RecordId> = records.iter().map(|record| record.id).collect();
    let wanted = |record, version| Wanted { integration: customer.integration, record, kind, version, mapping: FIRST };
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    store::save(&mut tx, &records.iter().collect::<Vec<_>>()).await.unwrap();
    // The first record's link is the last.
    for record in ids.iter().rev() {
        links::raise(&mut tx, tenant_id, &[wanted(*record, FIRST)]).await.unwrap();
    }
    let owed = links::owed_by_record(&mut tx, tenant_id, &ids).await.unwrap();
    tx.commit().await.unwrap();
    let [(greater, first), .., (smaller, last)] = owed.as_slice() else { panic!("{owed:?}") };
    assert!(smaller < greater, "{owed:?}");

    let lock = |link: LinkId| format!("SELECT id FROM record_links WHERE id = '{link}' FOR UPDATE SKIP LOCKED");
    let mut settling = world.worker.begin(Scope::System).await.unwrap();
    assert_eq!(try_to(&mut settling, &lock(first.link_id)).await.unwrap(), 1);
    let waiting = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE NOT granted AND datname = current_database()";
    let raise = async {
        let mut tx = world.worker.begin(Scope::System).await.unwrap();
        let both = [wanted(*smaller, FIRST + 1), wanted(*greater, FIRST + 1)];
        links::raise(&mut tx, tenant_id, &both).await.unwrap();
        tx.commit().await.unwrap();
    };
    tokio::join!(raise, async {
        wait::until("the link to be waited for", A_WHILE, || async {
            (world.server.count(waiting).await == 1).then_some(())
        })
        .await;
        assert_eq!(try_to(&mut settling, &lock(last.link_id)).await.unwrap(), 1, "it is taken before the first");
        settling.commit().await.unwrap();
    });
}

#[tokio::test]
async fn nor_does_it_swallow_what_changed_there_meanwhile() {
    let world = World::new().await;
    let customer = world.customer("4242").await;
    let heard = Heard {
        tenant: customer.tenant,
        integration: customer.integration,
        kind: RecordKind::Contact,
        external_ids: ["501".to_owned()].into(),
    };
    let hear = async || {
        let mut tx = world.worker.begin(Scope::System).await.unwrap();
        let marked = links::mark_dirty(&mut tx, &heard).await.unwrap();
        tx.commit().await.unwrap();
        marked[0].link_id
    };
    let owed = Owed { customer, record: RecordId::new(), link: hear().await };
    let (leased, token) = owed.lease(&world).await;
    hear().await;
    block(&world, leased, token).await;
    let (again, token) = owed.lease(&world).await;
    block(&world, again, token).await;
    assert!(owed.lease_as(&world, (customer.tenant, customer.integration)).await.is_empty());
}

#[tokio::test]
async fn of_objects_that_no_link_names_only_those_that_changed_get_one() {
    let world = World::new().await;
    let customer = world.customer("4242").await;
    let heard = |ids: &[&str]| Heard {
        tenant: customer.tenant,
        integration: customer.integration,
        kind: RecordKind::Contact,
        external_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
    };
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let known = links::mark_dirty(&mut tx, &heard(&["501"])).await.unwrap();
    let all = heard(&["501", "502", "503"]);
    let marked = links::mark_heard(&mut tx, &all, &["503".to_owned()].into()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(marked.known, ["501".to_owned()].into());
    assert_eq!(marked.pushes.keys().collect::<Vec<_>>(), ["501", "503"]);
    assert_eq!(known, [marked.pushes["501"]]);
}

#[tokio::test]
async fn a_link_does_not_begin_to_wait_where_something_came_while_it_was_held() {
    let world = World::new().await;
    for (version, waits) in [(FIRST, true), (FIRST + 1, false)] {
        let owed = Owed::new(&world).await;
        let (leased, token) = owed.lease(&world).await;
        let mut tx = world.worker.begin(Scope::System).await.unwrap();
        owed.raise(&mut tx, version, FIRST).await;
        let settlement = Settlement { ending: Ending::WaitsForContact, ..refused(leased) };
        let settled = links::settle(&mut tx, token, &[settlement]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((settled[0].is_owed, settled[0].waits), (true, waits), "version {version}");
    }
}

#[tokio::test]
async fn what_came_while_an_attempt_failed_does_not_wait_for_the_next_one() {
    let world = World::new().await;
    for (version, waits) in [(FIRST, true), (FIRST + 1, false)] {
        let owed = Owed::new(&world).await;
        let (leased, token) = owed.lease(&world).await;
        let mut tx = world.worker.begin(Scope::System).await.unwrap();
        owed.raise(&mut tx, version, FIRST).await;
        let error = SyncError { class: FaultKind::Unavailable, code: "http".to_owned(), message: "503".to_owned() };
        let ending = Ending::Retry { not_before: Timestamp::now().plus(A_WHILE), error };
        let settled = links::settle(&mut tx, token, &[Settlement { ending, ..refused(leased) }]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((settled[0].is_owed, settled[0].waits), (true, waits), "version {version}");
        let who = (owed.customer.tenant, owed.customer.integration);
        let again = owed.lease_as(&world, who).await;
        assert_eq!(again.is_empty(), waits, "version {version}");
        assert!(again.iter().all(|(leased, _)| leased.attempts == 0), "what came was not tried yet");
    }
}

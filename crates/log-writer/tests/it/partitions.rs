//! The days ahead have their partitions before anybody needs them, and those that are over go with all that was kept of them.

use persistence::{Scope, log_partitions};
use testkit::wait;

use crate::world::{LIMIT, Running, World};

#[tokio::test]
async fn makes_the_partitions_of_the_days_ahead() {
    let world = World::new().await;
    assert_eq!(missing(&world).await, (16, 2), "two logs, today and seven days");
    let running = world.start();
    let one_day_more = wait::until("the partitions", LIMIT, || async {
        let (missing, one_day_more) = missing(&world).await;
        if missing == 0 { Ok(one_day_more) } else { Err(missing) }
    })
    .await;
    assert_eq!(one_day_more, 2, "and not a day more");
    running.stop().await;
}

/// How many would have to be made for seven days ahead, and how many more for eight; looked at in one transaction, which has one today
/// and is rolled back.
async fn missing(world: &World) -> (i32, i32) {
    let mut transaction = world.rows.begin(Scope::System).await.unwrap();
    let seven = log_partitions::ensure(&mut transaction, 7).await.unwrap();
    (seven, log_partitions::ensure(&mut transaction, 8).await.unwrap())
}

/// Makes what the deployment has of a day so many days back: a partition of each log, statistics, an incident and its message.
async fn live_through(world: &World, days: u32) {
    let (tenant, integration) = (world.tenant, world.integration);
    let at = format!("now() - interval '{days} days'");
    for statement in [
        format!(
            "DO $$ DECLARE day date := (now() AT TIME ZONE 'UTC')::date - {days}; log text; BEGIN
                 FOREACH log IN ARRAY ARRAY['sync', 'webhook'] LOOP
                     EXECUTE format('CREATE TABLE integration_%s_logs_p%s PARTITION OF integration_%s_logs
                                     FOR VALUES FROM (%L) TO (%L)', log, to_char(day, 'YYYYMMDD'), log,
                                    day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
                 END LOOP;
             END $$"
        ),
        format!(
            "INSERT INTO integration_stats_hourly (integration_id, hour, kind, sync_type, direction, outcome, tenant_id,
                 count, first_successes, retries, durations)
             VALUES ('{integration}', {at}, 'contact', 'read', 'from_platform', 'success', '{tenant}', 1, 1, 0, '{{}}')"
        ),
        format!("INSERT INTO integration_drift_samples VALUES ('{integration}', {at}, '{tenant}', 1, 0)"),
        format!(
            "INSERT INTO incidents (id, tenant_id, integration_id, subject, trigger, opened_at, ended_at, told_at, told_end_at)
             VALUES ('inc_{days}', '{tenant}', '{integration}', '{integration}', 'failing', {at}, {at}, {at}, {at})"
        ),
        format!(
            "INSERT INTO alert_messages (id, tenant_id, channel, target, content, sent_at)
             VALUES ('msg_{days}', '{tenant}', 'email', 'a@cabinet.example', '{{}}', {at})"
        ),
    ] {
        world.database.execute(&statement).await;
    }
}

#[tokio::test]
async fn what_is_older_than_the_deployment_keeps_goes_by_whole_days_with_all_that_was_counted_of_it() {
    let world = World::new().await;
    live_through(&world, 28).await;
    live_through(&world, 32).await;
    // Samples of now are taken meanwhile.
    let kept = "SELECT (SELECT count(*) FROM integration_stats_hourly) + (SELECT count(*) FROM incidents)
            + (SELECT count(*) FROM alert_messages)
            + (SELECT count(*) FROM integration_drift_samples WHERE at < now() - interval '10 days')
            + (SELECT count(*) FROM pg_class WHERE relname ~ '^integration_(sync|webhook)_logs_p[0-9]{8}$'
                   AND to_date(right(relname, 8), 'YYYYMMDD') < current_date - 10)";
    assert_eq!(world.database.count(kept).await, 12);
    let mut settings = world.settings(&world.database.worker_url());
    settings.log_writer.retention_days = 30;
    let running = Running::start(settings);
    wait::until("the old day to go", LIMIT, || async {
        let left = world.database.count(kept).await;
        if left == 6 { Ok(()) } else { Err(left) }
    })
    .await;
    running.stop().await;
    let of_both =
        "SELECT count(*) FROM incidents JOIN alert_messages ON substr(incidents.id, 5) = substr(alert_messages.id, 5)
                   WHERE incidents.id = 'inc_28'";
    assert_eq!((world.database.count(kept).await, world.database.count(of_both).await), (6, 1));
}

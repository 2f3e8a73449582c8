//! Private PostgreSQL and RabbitMQ: started, killed, started again, and gone without a trace.

use std::path::PathBuf;

use reqwest::Url;
use xtask::console::{Console, ServiceLines};
use xtask::services::ports::{Ports, is_free};
use xtask::services::postgres::Durability;
use xtask::services::{Choice, Services};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id())))
    }

    async fn services(&self, ports: Ports) -> Services {
        let console = Console::new(ServiceLines::InFilesOnly);
        Services::prepare(&self.0, ports, Choice::Private, &console).await.unwrap()
    }
}

#[tokio::test]
async fn private_servers_survive_a_kill_and_leave_nothing_behind() {
    let folder = Folder::new("servers");
    std::fs::create_dir_all(&folder.0).unwrap();
    let ports = Ports::choose(&folder.0.join("ports.json"), 22_000, |_| false).unwrap();
    let services = folder.services(ports).await;
    services.boot(Durability::Kept).await.unwrap();

    let database = services.postgres.database("kept").await.unwrap();
    assert_eq!(database.port(), Some(ports.postgres));
    testkit::execute(database.as_str(), "CREATE TABLE kept (what text)").await;
    testkit::execute(database.as_str(), "INSERT INTO kept VALUES ('survives a kill')").await;
    assert!(services.rabbitmq.serves().await);
    assert!(Services::already_hold(&folder.0, ports.postgres) && Services::already_hold(&folder.0, ports.amqp));
    assert!(!Services::already_hold(&folder.0, ports.gateway));
    // As a fault has it happen: more than any disk has free, and enough.
    for limit in ["1000000GB", "200MB"] {
        services.rabbitmq.control(&["set_disk_free_limit", limit]).await.unwrap();
    }
    // As the runbook has somebody look.
    services.rabbitmq.control(&["cluster_status"]).await.unwrap();

    services.postgres.kill().await.unwrap();
    services.rabbitmq.kill().await.unwrap();
    assert!(!services.rabbitmq.serves().await && is_free(ports.postgres));

    services.boot(Durability::Kept).await.unwrap();
    // Another xtask, which knows only the folder, finds them running and uses them.
    let again = folder.services(ports).await;
    again.boot(Durability::Kept).await.unwrap();
    assert_eq!(again.postgres.url(), services.postgres.url());
    assert_eq!(again.postgres.database("kept").await.unwrap(), database);

    // A row is read: the database itself would be made anew where it is missing.
    testkit::execute(database.as_str(), "INSERT INTO kept VALUES ('survives a stop')").await;
    has_rows(&database, &["survives a kill", "survives a stop"]).await;

    again.stop().await.unwrap();
    again.postgres.boot(Durability::Kept).await.unwrap();
    has_rows(&database, &["survives a kill", "survives a stop"]).await;
    again.stop().await.unwrap();
    for port in [ports.postgres, ports.amqp, ports.dist, ports.management, ports.prometheus, ports.epmd] {
        assert!(is_free(port), "somebody still listens on port {port}");
    }
    Services::wipe(&folder.0).await.unwrap();
    assert!(!folder.0.exists());
}

#[tokio::test]
async fn a_replica_that_is_promoted_has_all_that_was_acknowledged() {
    let folder = Folder::new("replica");
    std::fs::create_dir_all(&folder.0).unwrap();
    let ports = Ports::choose(&folder.0.join("ports.json"), 22_700, |_| false).unwrap();
    let services = folder.services(ports).await;
    services.postgres.boot(Durability::Kept).await.unwrap();
    // A container has no replica.
    if services.postgres.pid().is_some() {
        let replica = services.postgres.follow().await.unwrap();
        let mut database = services.postgres.database("kept").await.unwrap();
        testkit::execute(database.as_str(), "CREATE TABLE kept (what text)").await;
        testkit::execute(database.as_str(), "INSERT INTO kept VALUES ('acknowledged')").await;
        services.postgres.kill().await.unwrap();
        assert_eq!(services.postgres.pid(), None);
        replica.promote().await.unwrap();
        database.set_port(replica.url().port()).unwrap();
        has_rows(&database, &["acknowledged"]).await;
        testkit::execute(database.as_str(), "INSERT INTO kept VALUES ('taken by the replica')").await;
        services.stop().await.unwrap();
        assert_eq!(replica.pid(), None, "it is stopped with its server");
    }
    services.stop().await.unwrap();
    Services::wipe(&folder.0).await.unwrap();
    assert!(!folder.0.exists());
}

async fn has_rows(database: &Url, rows: &[&str]) {
    let dump = testkit::dump(database.as_str()).await;
    for row in rows {
        assert!(dump.contains(row), "`{row}` is lost");
    }
}

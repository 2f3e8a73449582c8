//! PostgreSQL's certificate: one that is good, one that has expired, and the authority that the services trust.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use tokio::process::Command;

use super::kinds::{WHILE, ours};
use crate::crash::services;
use crate::services::postgres::Postgres;
use crate::session::Session;
use crate::workspace::output;

/// The second certificate was good until yesterday.
const MAKE: &str = "
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=authority
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj /CN=server
echo subjectAltName=IP:127.0.0.1 >names
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -days 30 -out good.pem
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -days -1 -out expired.pem
";

/// The folder with both.
#[derive(Debug)]
pub(super) struct Certificates(PathBuf);

impl Certificates {
    pub(super) async fn make(folder: PathBuf) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        output(Command::new("sh").args(["-ec", MAKE]).current_dir(&folder)).await?;
        Ok(Self(folder))
    }

    /// The certificate that the services trust.
    pub(super) fn authority(&self) -> PathBuf {
        self.0.join("ca.pem")
    }

    /// Has the server encrypt its connections, with the certificate that is good.
    pub(super) async fn begin(&self, postgres: &Postgres) -> anyhow::Result<()> {
        put(postgres, &self.0.join("server.key"), "server.key").await?;
        put(postgres, &self.0.join("good.pem"), "server.crt").await?;
        postgres.query("ALTER SYSTEM SET ssl = on").await?;
        postgres.query("SELECT pg_reload_conf()").await.map(drop)
    }

    /// Has the certificate expire, sees that every service refuses it, and renews it.
    pub(super) async fn expire(&self, session: &Session) -> anyhow::Result<()> {
        let postgres = &services(session)?.postgres;
        self.show(postgres, "expired.pem").await?;
        tokio::time::sleep(WHILE).await;
        for service in ours() {
            let answer = session.client().get(format!("{}/readyz", session.url(service))).send().await?;
            let report: serde_json::Value = answer.json().await.context("a service says nothing of its parts")?;
            let is_refused = report.pointer("/parts/database").is_some_and(|database| database == "down");
            anyhow::ensure!(is_refused, "{} goes on with a certificate that has expired: {report}", service.name());
        }
        self.show(postgres, "good.pem").await?;
        tokio::time::sleep(WHILE).await;
        Ok(())
    }

    /// Has the server show this certificate from now on, to everybody.
    async fn show(&self, postgres: &Postgres, name: &str) -> anyhow::Result<()> {
        put(postgres, &self.0.join(name), "server.crt").await?;
        postgres.query("SELECT pg_reload_conf()").await?;
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'coccinelle%'";
        postgres.query(end).await.map(drop)
    }
}

/// Puts a file into the server's folder, by its own hand: it takes no key that others may read.
async fn put(postgres: &Postgres, file: &Path, name: &str) -> anyhow::Result<()> {
    let text = BASE64_STANDARD.encode(std::fs::read(file)?);
    let put = format!("COPY (SELECT '{text}') TO PROGRAM 'umask 077; base64 -d >{name}'");
    postgres.query(&put).await.map(drop)
}

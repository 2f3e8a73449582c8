//! What may be set, and how a mistake is told.

use std::io::Write;
use std::time::Duration;

use secrecy::ExposeSecret;

use super::*;

fn with(variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    read(None, variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

fn complaint(variables: &[(&str, &str)]) -> String {
    with(variables).unwrap_err().to_string()
}

#[test]
fn the_document_is_complete_and_valid() {
    let settings = with(&[]).unwrap();
    assert_eq!(settings.broker.retry_schedule, domain::retry::RetrySchedule::default());
    assert_eq!(settings.platforms["hubspot"].base_url.to_string(), "https://api.hubapi.com");
    assert!(settings.dispatcher.look_before_create);
    assert!(settings.auth.hs256_secret.is_none());
}

#[test]
fn the_optional_keys_that_the_document_shows_exist() {
    let shown: String = DEFAULTS
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = \"")).unwrap_or(line))
        .flat_map(|line| [line, "\n"])
        .collect();
    let long_enough = |text: String, key: &str| {
        text.replace(&format!("{key} = \"\""), &format!("{key} = \"0123456789abcdef0123456789abcdef\""))
    };
    let filled = ["hs256_secret", "signing_secret"].into_iter().fold(shown, long_enough);
    let filled = filled.replace("jwks_url = ", "# jwks_url = ");
    let filled = filled.replace("secrets = []", "secrets = [\"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3\"]");
    let path = std::env::temp_dir().join(format!("coccinelle-settings-{}.toml", std::process::id()));
    std::fs::File::create(&path).unwrap().write_all(filled.as_bytes()).unwrap();
    let settings = read(Some(&path), []).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(settings.auth.hs256_secret.is_some() && settings.n8n.signing_secret.is_some());
    assert!(settings.backend.url.is_some() && settings.backend.secrets.len() == 1);
    assert!(settings.database.worker_password.is_some() && settings.database.gateway_password.is_some());
    assert!(settings.platforms["hubspot"].client_secret.is_some() && settings.platforms["hubspot"].client_id.is_some());
    assert!(settings.platforms["hubspot"].app_id.is_some() && settings.platforms["hubspot"].developer_key.is_some());
}

#[test]
fn an_app_is_looked_after_by_its_number_and_its_developers_key_or_not_at_all() {
    let (id, key) = (("COCCINELLE__PLATFORMS__HUBSPOT__APP_ID", "11"), "COCCINELLE__PLATFORMS__HUBSPOT__DEVELOPER_KEY");
    let settings = with(&[id, (key, "a-key")]).unwrap();
    assert_eq!(settings.platforms["hubspot"].app_id.as_deref(), Some("11"));
    assert!(!format!("{settings:?}").contains("a-key"));
    // As Compose hands over what is not set.
    assert!(with(&[(id.0, ""), (key, "")]).unwrap().platforms["hubspot"].app_id.is_none());
    for one in [id, (key, "a-key")] {
        assert!(complaint(&[one]).contains("app_id"), "{one:?}");
    }
}

#[test]
fn variables_win_over_a_file_and_a_file_over_the_defaults() {
    let path = std::env::temp_dir().join(format!("coccinelle-layers-{}.toml", std::process::id()));
    std::fs::write(&path, "[gateway]\nbody_limit = 10\nbatch_limit = 20\n").unwrap();
    let variable = ("COCCINELLE__GATEWAY__BATCH_LIMIT".to_owned(), "30".to_owned());
    let settings = read(Some(&path), [variable]).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!((settings.gateway.body_limit, settings.gateway.batch_limit), (10, 30));
    assert_eq!(settings.ingest.body_limit, 1_048_576);
}

#[test]
fn variables_reach_every_form_of_value() {
    let settings = with(&[
        ("COCCINELLE__HTTP__LISTEN", "0.0.0.0:0"),
        ("COCCINELLE__BROKER__RETRY_SCHEDULE", "50ms, 1s"),
        ("COCCINELLE__DISPATCHER__LOOK_BEFORE_CREATE", "false"),
        ("COCCINELLE__HTTP__TRUSTED_PROXIES", "10.0.0.0/8, 127.0.0.1"),
        ("COCCINELLE__PLATFORMS__HUBSPOT__CLIENT_SECRET", "000123"),
        ("COCCINELLE__DATABASE__GATEWAY_PASSWORD", ""),
        ("COCCINELLE_CONFIG", "is not a key"),
    ])
    .unwrap();
    assert_eq!(settings.http.listen.to_string(), "0.0.0.0:0");
    assert_eq!(settings.broker.retry_schedule.tiers(), [Duration::from_millis(50), Duration::from_secs(1)]);
    assert_eq!(settings.http.trusted_proxies, ["10.0.0.0/8".parse().unwrap(), "127.0.0.1/32".parse().unwrap()]);
    assert!(!settings.dispatcher.look_before_create);
    assert_eq!(settings.platforms["hubspot"].client_secret.as_ref().unwrap().expose_secret(), "000123");
    assert!(settings.database.gateway_password.is_none());
}

#[test]
fn a_mistake_names_its_key() {
    for (variable, value, key) in [
        ("COCCINELLE__HTTP__LISTEN", "somewhere", "http.listen"),
        ("COCCINELLE__HTTP__LISSTEN", "127.0.0.1:1", "http.lissten"),
        ("COCCINELLE__HTTP__TRUSTED_PROXIES", "10.0.0.0/8,edge", "http.trusted_proxies"),
        ("COCCINELLE__GATEWAY__ALLOWED_ORIGINS", "https://app.example.com/", "gateway.allowed_origins"),
        ("COCCINELLE__GATEWAY__BURST", "0", "gateway.burst"),
        ("COCCINELLE__DATABSE__URL", "postgres://x", "databse"),
        ("COCCINELLE__BROKER__CONFIRM_TIMEOUT", "soon", "broker.confirm_timeout"),
        ("COCCINELLE__BROKER__RETRY_SCHEDULE", "5s,1s", "broker.retry_schedule"),
        ("COCCINELLE__TELEMETRY__FILTER", "a=b=c", "telemetry.filter"),
        ("COCCINELLE__PLATFORMS__HUBSPOT__COLOUR", "red", "platforms.hubspot.colour"),
        ("COCCINELLE__PLATFORMS__ACME__CLIENT_ID", "x", "platforms.acme"),
        ("COCCINELLE__DISPATCHER__LEASE", "1s", "dispatcher.lease"),
        ("COCCINELLE__INGEST__BODIES_LIMIT", "4194303", "ingest.bodies_limit"),
        ("COCCINELLE__WEBHOOKS__PUBLIC_URL", "mailto:a@example.com", "webhooks.public_url"),
    ] {
        let said = complaint(&[(variable, value)]);
        assert!(said.starts_with(&format!("the setting `{key}` is not usable")), "{variable}: {said}");
    }
}

#[test]
fn tokens_come_from_one_issuer_and_are_made_for_us() {
    const SECRET: (&str, &str) = ("COCCINELLE__AUTH__HS256_SECRET", "0123456789abcdef0123456789abcdef");
    const JWKS: (&str, &str) = ("COCCINELLE__AUTH__JWKS_URL", "https://login.example/jwks.json");
    const ISSUER: (&str, &str) = ("COCCINELLE__AUTH__ISSUER", "https://login.example");
    const AUDIENCE: (&str, &str) = ("COCCINELLE__AUTH__AUDIENCE", "integrations");
    let plain = |url| [("COCCINELLE__AUTH__JWKS_URL", url), ISSUER, AUDIENCE];
    with(&[JWKS, ISSUER, AUDIENCE]).unwrap();
    with(&plain("http://127.0.0.1:4000/jwks.json")).unwrap();
    let said = complaint(&[JWKS, ISSUER, AUDIENCE, SECRET]);
    assert!(said.contains("`auth.jwks_url`") && said.contains("auth.hs256_secret"), "{said}");
    for (variables, key) in [
        (vec![JWKS, AUDIENCE], "auth.issuer"),
        (vec![JWKS, ISSUER], "auth.audience"),
        (plain("http://login.example/jwks.json").to_vec(), "auth.jwks_url"),
        (plain("file:///etc/jwks.json").to_vec(), "auth.jwks_url"),
    ] {
        let said = complaint(&variables);
        assert!(said.starts_with(&format!("the setting `{key}` is not usable")), "{said}");
    }
}

#[test]
fn a_secret_that_is_refused_is_not_repeated() {
    let said = complaint(&[("COCCINELLE__AUTH__HS256_SECRET", "hunter2")]);
    assert!(said.contains("auth.hs256_secret") && !said.contains("hunter2"), "{said}");
}

#[test]
fn secrets_do_not_show_when_printed() {
    let settings = with(&[("COCCINELLE__BROKER__URL", "amqp://guest:hunter2@localhost")]).unwrap();
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn an_n8n_that_could_not_tell_our_writes_from_anybodys_stops_the_boot() {
    let n8n = ("COCCINELLE__N8N__BASE_URL".to_owned(), "https://n8n.example.com".to_owned());
    let refused = read(None, [n8n]).unwrap_err();
    assert!(matches!(refused, ConfigError::Contradiction { key: "n8n.signing_secret", .. }), "{refused:?}");
}

#[test]
fn the_backend_is_told_nothing_unsigned() {
    let url = ("COCCINELLE__BACKEND__URL", "https://api.example.com/hooks");
    assert!(complaint(&[url]).contains("backend.secrets"));
    let settings = with(&[url, ("COCCINELLE__BACKEND__SECRETS", "whsec_a, whsec_b")]).unwrap();
    assert_eq!(settings.backend.secrets.len(), 2);
}

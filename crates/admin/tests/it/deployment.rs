//! What `deploy/` and `docker-compose.yml` say of the services is so: settings, queues, pages, ports, secrets and connections.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use domain::message::{BackendTell, Message as _};
use messaging::topology::QUEUES;
use runtime::config::{self, ConfigError, Settings};
use serde::Deserialize as _;
use serde_json::Value;

const COMPOSE: &str = "docker-compose.yml";
const MANIFESTS: &str = "deploy/kubernetes";
const GUIDE: &str = "docs/operations.md";

/// Connections that PostgreSQL keeps for superusers (`superuser_reserved_connections`).
const RESERVED: u32 = 3;

/// To how many replicas the guide's reader may scale each service in Compose.
const SCALED: u32 = 3;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The texts of a folder's files of this kind.
fn texts(folder: &str, extension: &str) -> Vec<String> {
    let entries = std::fs::read_dir(path(folder)).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|file| file.extension().is_some_and(|kind| kind == extension));
    files.map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

/// The documents of a file, in which every scalar is text: a port is one, be it in quotes or not.
fn documents(file: &str) -> Vec<Value> {
    let documents = serde_norway::Deserializer::from_str(file);
    documents.map(|document| in_text(Value::deserialize(document).unwrap())).collect()
}

fn in_text(value: Value) -> Value {
    match value {
        Value::Object(members) => members.into_iter().map(|(key, member)| (key, in_text(member))).collect(),
        Value::Array(items) => items.into_iter().map(in_text).collect(),
        Value::Number(_) | Value::Bool(_) => value.to_string().into(),
        Value::Null | Value::String(_) => value,
    }
}

fn manifests() -> Vec<Value> {
    texts(MANIFESTS, "yaml").iter().flat_map(|text| documents(text)).collect()
}

/// Those of a kind; there are some.
fn of_kind<'a>(manifests: &'a [Value], kind: &str) -> Vec<&'a Value> {
    let found: Vec<&Value> = manifests.iter().filter(|manifest| manifest["kind"] == kind).collect();
    assert!(!found.is_empty(), "no {kind}");
    found
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The word at this place.
fn word<'a>(value: &'a Value, place: &str) -> &'a str {
    value.pointer(place).and_then(Value::as_str).unwrap_or_else(|| panic!("no {place} in {value}"))
}

fn number(value: &Value, place: &str) -> u32 {
    word(value, place).parse().unwrap_or_else(|_| panic!("no number: {place} in {value}"))
}

fn name(manifest: &Value) -> &str {
    word(manifest, "/metadata/name")
}

/// The container of a Deployment.
fn container(deployment: &Value) -> &Value {
    deployment.pointer("/spec/template/spec/containers/0").unwrap()
}

/// What a service reads where it is deployed: what its image sets, then the settings that it names, then its own. What lies in secrets is
/// left out.
fn settings(deployment: &Value, manifests: &[Value]) -> Settings {
    let image = text("deploy/Dockerfile");
    let set = image.split_whitespace().filter_map(|word| word.split_once('='));
    let set = set.filter(|(key, _)| key.starts_with("COCCINELLE__"));
    let mut variables: BTreeMap<String, String> = set.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let maps = of_kind(manifests, "ConfigMap");
    for source in list(&container(deployment)["envFrom"]) {
        let Some(named) = source.pointer("/configMapRef/name") else { continue };
        let map = maps.iter().find(|map| map["metadata"]["name"] == *named).unwrap_or_else(|| panic!("no {named}"));
        let data = map["data"].as_object().unwrap().iter();
        variables.extend(data.map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())));
    }
    let own = list(&container(deployment)["env"]).iter().filter(|variable| variable["value"].is_string());
    variables.extend(own.map(|variable| (word(variable, "/name").to_owned(), word(variable, "/value").to_owned())));
    config::read(None, variables).unwrap_or_else(|error| panic!("{}: {error}", name(deployment)))
}

/// The names of settings in a text, but for the one that stands for all, and such as are cut short.
fn named_settings(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let named = words.filter(|word| word.starts_with("COCCINELLE__") && !word.ends_with('_'));
    named.filter(|word| *word != "COCCINELLE__SECTION__KEY")
}

/// Whether there is such a setting, whatever it may be set to.
fn is_setting(variable: &str) -> bool {
    match config::read(None, [(variable.to_owned(), "1".to_owned())]) {
        Ok(_) | Err(ConfigError::Contradiction { .. }) => true,
        Err(ConfigError::BadKey { source, .. }) => {
            let told = source.to_string();
            // The section of a platform that nobody knows lacks what each of them has.
            !told.contains("unknown field") && !told.contains("missing configuration field")
        }
        Err(error @ ConfigError::Unreadable(_)) => panic!("{variable}: {error}"),
    }
}

#[test]
fn every_setting_that_is_named_where_services_are_deployed_is_one() {
    assert!(is_setting("COCCINELLE__HTTP__LISTEN") && is_setting("COCCINELLE__BACKEND__URL"));
    assert!(!is_setting("COCCINELLE__HTTP__LISSTEN") && !is_setting("COCCINELLE__PLATFORMS__HUBSPT__CLIENT_ID"));
    let files = [COMPOSE, "README.md", "deploy/Dockerfile"].map(text).into_iter();
    let files: Vec<String> = files.chain(texts(MANIFESTS, "yaml")).chain(texts("docs", "md")).collect();
    let named: BTreeSet<&str> = files.iter().flat_map(|text| named_settings(text)).collect();
    assert!(named.contains("COCCINELLE__BROKER__URL"), "{named:?}");
    let unknown: Vec<&str> = named.into_iter().filter(|name| !is_setting(name)).collect();
    assert_eq!(unknown, [""; 0]);
}

/// What Compose sets where nothing is set in its `.env`. What it sets for one service alone is no other's mistake.
fn settings_of_compose() -> Settings {
    let compose = documents(&text(COMPOSE)).remove(0);
    let mut variables = BTreeMap::new();
    gather(&compose, &mut |key, value| {
        if key.starts_with("COCCINELLE__") {
            variables.insert(key.to_owned(), by_default(value.as_str().unwrap()));
        }
    });
    config::read(None, variables).unwrap_or_else(|error| panic!("{COMPOSE}: {error}"))
}

/// Goes through all members, however deep.
fn gather<'a>(value: &'a Value, visit: &mut impl FnMut(&'a str, &'a Value)) {
    for (key, member) in value.as_object().into_iter().flatten() {
        visit(key.as_str(), member);
        gather(member, visit);
    }
    list(value).iter().for_each(|item| gather(item, visit));
}

/// `${NAME:-default}` as where NAME is not set.
fn by_default(text: &str) -> String {
    let mut parts = text.split("${");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |whole, part| {
        let (variable, rest) = part.split_once('}').unwrap();
        whole + variable.split_once(":-").map_or("", |(_, default)| default) + rest
    })
}

#[test]
fn what_scales_counts_every_queue_but_that_of_the_backend_and_none_that_is_not_there() {
    let manifests = manifests();
    let scaled = of_kind(&manifests, "ScaledObject").into_iter();
    let counted: BTreeSet<&str> = scaled
        .flat_map(|scaled| list(&scaled["spec"]["triggers"]))
        .map(|trigger| word(trigger, "/metadata/queueName"))
        .collect();
    let queues: BTreeSet<&str> = QUEUES.iter().map(|queue| queue.name()).collect();
    assert!(counted.is_subset(&queues), "{:?}", counted.difference(&queues));
    // While the backend is away this one stands, however many there are to tell it.
    let uncounted: Vec<&str> = queues.difference(&counted).copied().collect();
    assert_eq!(uncounted, [BackendTell::QUEUE]);
}

#[test]
fn a_service_is_asked_where_it_listens_for_pages_that_it_has() {
    let manifests = manifests();
    let pages = text("crates/runtime/src/http/operations.rs");
    for deployment in of_kind(&manifests, "Deployment") {
        let (name, container) = (name(deployment), container(deployment));
        let port = settings(deployment, &manifests).http.listen.port().to_string();
        let annotated = word(deployment, "/spec/template/metadata/annotations/prometheus.io~1port");
        assert_eq!(annotated, port, "{name}");
        let opened = list(&container["ports"]).iter().find(|opened| opened["containerPort"] == port.as_str());
        let opened = word(opened.unwrap_or_else(|| panic!("{name} does not open {port}")), "/name");
        let ports = [opened, port.as_str()];
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            let asks = &container[probe]["httpGet"];
            let page = word(asks, "/path");
            assert!(pages.contains(&format!(".route(\"{page}\"")), "{name}: {probe} asks for {page}");
            assert!(ports.contains(&word(asks, "/port")), "{name}: {probe} asks elsewhere");
        }
        let services = of_kind(&manifests, "Service").into_iter();
        for service in services.filter(|service| service["spec"]["selector"]["app.kubernetes.io/name"] == name) {
            assert!(ports.contains(&word(service, "/spec/ports/0/targetPort")), "{name}");
        }
    }
}

/// The secrets that the guide makes, each with its keys.
fn made_secrets(guide: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut made = BTreeMap::<&str, BTreeSet<&str>>::new();
    for command in guide.split("create secret generic ").skip(1) {
        // A command goes on as long as its lines end in a backslash.
        let lines = command.split_inclusive('\n');
        let ends = lines.clone().position(|line| !line.trim_end().ends_with('\\')).unwrap_or_default();
        let mut words = lines.take(ends + 1).flat_map(str::split_whitespace);
        let keys = made.entry(words.next().unwrap()).or_default();
        let given = |word: &&str| word.starts_with("--from-literal=") || word.starts_with("--from-file=");
        keys.extend(words.filter(given).filter_map(|word| word.split('=').nth(1)));
    }
    made
}

/// The name of a secret that is asked for, which a volume says by another word.
fn secret_name(secret: &Value) -> &str {
    let name = secret["name"].as_str().or_else(|| secret["secretName"].as_str());
    name.unwrap_or_else(|| panic!("no name in {secret}"))
}

#[test]
fn every_secret_that_is_asked_for_is_made_by_the_guide_with_its_key() {
    let (guide, manifests) = (text(GUIDE), manifests());
    let made = made_secrets(&guide);
    let mut asked = BTreeSet::new();
    for manifest in &manifests {
        gather(manifest, &mut |key, value| {
            let secrets: &[Value] = match key {
                "secretKeyRef" | "secretRef" | "secret" => std::slice::from_ref(value),
                "secretTargetRef" => list(value),
                _ => &[],
            };
            asked.extend(secrets.iter().map(|secret| (secret_name(secret), secret["key"].as_str())));
        });
    }
    assert!(asked.contains(&("coccinelle-database", Some("WORKER_PASSWORD"))), "{asked:?}");
    let is_made = |(secret, key): &(&str, Option<&str>)| {
        made.get(*secret).is_some_and(|keys| key.is_none_or(|key| keys.contains(key)))
    };
    let lacking: Vec<_> = asked.into_iter().filter(|asked| !is_made(asked)).collect();
    assert!(lacking.is_empty(), "not among {made:?}: {lacking:?}");
}

#[test]
fn the_key_ring_lies_where_it_is_looked_for() {
    let (guide, manifests) = (text(GUIDE), manifests());
    let made = made_secrets(&guide);
    for deployment in of_kind(&manifests, "Deployment") {
        let pod = &deployment["spec"]["template"]["spec"];
        let mounted = list(&container(deployment)["volumeMounts"]).iter().flat_map(|mount| {
            let volume = list(&pod["volumes"]).iter().find(|volume| volume["name"] == mount["name"]).unwrap();
            let keys = volume["secret"]["secretName"].as_str().and_then(|secret| made.get(secret));
            keys.into_iter().flatten().map(move |key| Path::new(word(mount, "/mountPath")).join(key))
        });
        let looked_for = settings(deployment, &manifests).vault.key_ring_file;
        assert!(mounted.collect::<Vec<_>>().contains(&looked_for), "{}", name(deployment));
    }
}

/// How many connections a text has PostgreSQL grant.
fn granted(text: &str) -> u32 {
    let (_, behind) = text.split_once("max_connections=").expect("PostgreSQL is not told how many it grants");
    let digits: String = behind.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

#[test]
fn postgresql_grants_every_replica_its_connections_on_kubernetes() {
    let manifests = manifests();
    let scalers = ["HorizontalPodAutoscaler", "ScaledObject"].map(|kind| of_kind(&manifests, kind)).concat();
    let asked = of_kind(&manifests, "Deployment").into_iter().map(|deployment| {
        let name = name(deployment);
        let scaler = scalers.iter().find(|scaler| scaler["spec"]["scaleTargetRef"]["name"] == name);
        let scaler = scaler.unwrap_or_else(|| panic!("nobody scales {name}"));
        let most = if scaler["kind"] == "ScaledObject" { "/spec/maxReplicaCount" } else { "/spec/maxReplicas" };
        // While all are replaced, these come on top.
        let replicas = number(scaler, most) + number(deployment, "/spec/strategy/rollingUpdate/maxSurge");
        replicas * settings(deployment, &manifests).database.pool_size
    });
    let asked: u32 = asked.sum();
    let stores = of_kind(&manifests, "Cluster");
    let granted = number(stores[0], "/spec/postgresql/parameters/max_connections");
    assert!(asked + RESERVED <= granted, "{asked} and {RESERVED}, of {granted}");
}

#[test]
fn postgresql_grants_every_replica_its_connections_in_compose() {
    let (manifests, compose) = (manifests(), documents(&text(COMPOSE)).remove(0));
    let services: Vec<&str> = of_kind(&manifests, "Deployment").into_iter().map(name).collect();
    assert!(services.iter().all(|name| compose["services"][name].is_object()), "{services:?}");
    let replicas = SCALED * u32::try_from(services.len()).unwrap();
    let asked = replicas * settings_of_compose().database.pool_size;
    let granted = granted(&compose["services"]["postgres"]["command"].to_string());
    assert!(asked + RESERVED <= granted, "{asked} and {RESERVED}, of {granted}");
}

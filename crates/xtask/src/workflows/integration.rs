//! The workflow of a platform: takes a write from Coccinelle, makes it through Coccinelle's proxy, reports what became of it.

use serde_json::{Value, json};

use super::nodes::{Nodes, connections};
use super::platforms::Platform;

/// Of the workflows' own changes: what `{"test": true}` answers.
const VERSION: u32 = 3;

/// What an answer comes to: by Coccinelle's word, or by its status where there is none. A 401 of Coccinelle's says that the pass
/// has expired: another comes with the next write.
const RESULT: &str = "($json.headers?.['x-coccinelle-result'] ?? ($json.statusCode >= 200 && $json.statusCode < 300 ? 'done' : \
                      !$json.statusCode || $json.statusCode >= 500 || [401, 408, 409, 423, 425, 429].includes($json.statusCode) ? \
                      'retry' : 'refused'))";

/// Why Coccinelle itself, and not the platform, does not make a call: by the codes of its problem documents.
const REFUSALS: [(&str, &str); 7] = [
    ("budget_spent", "le quota de la plateforme est épuisé pour le moment"),
    ("call_not_allowed", "cette écriture n\\'a pas besoin de cet appel"),
    ("create_under_way", "l\\'objet est en cours de création"),
    ("errand_over", "cette écriture est terminée, ou confiée de nouveau"),
    ("pass_invalid", "le jeton de cette écriture a expiré"),
    ("platform_unavailable", "la plateforme ne lui répond pas"),
    ("rate_limited", "trop de demandes à la fois"),
];

pub(super) fn workflow(platform: &Platform) -> Value {
    let nodes = Nodes { workflow: platform.id };
    let call = format!("Écrire dans {}", platform.name);
    let all: Vec<Value> =
        [notes(&nodes, platform), door(&nodes, platform), work(&nodes, platform, &call), reports(&nodes, platform)]
            .concat();
    json!({
        "id": platform.id,
        "name": format!("Coccinelle - {}", platform.name),
        "active": false,
        "isArchived": false,
        "nodes": all,
        "connections": connections(&[
            ("Demande de Coccinelle", &[&["Lire le texte reçu"]]),
            ("Lire le texte reçu", &[&["Simple test ?"]]),
            ("Simple test ?", &[&["Répondre au test"], &["Calculer la signature"]]),
            ("Calculer la signature", &[&["Signature exacte et récente ?"]]),
            ("Signature exacte et récente ?", &[&["Accepter la demande"], &["Refuser la demande"]]),
            ("Accepter la demande", &[&["Lire la demande"]]),
            ("Lire la demande", &[&["Préparer l'appel"]]),
            ("Préparer l'appel", &[&["Action connue ?"]]),
            ("Action connue ?", &[&[&call], &["Annoncer une action inconnue"]]),
            (&call, &[&["Réussi ?"], &["Annoncer l'échec"]]),
            ("Réussi ?", &[&["Annoncer le succès"], &["Annoncer l'échec"]]),
        ]),
        "settings": {
            "executionOrder": "v1",
            "errorWorkflow": "coccinelleErreurs1",
            "saveDataSuccessExecution": "none",
            "saveDataErrorExecution": "all",
            "timezone": "Europe/Paris",
        },
        "pinData": {},
        "tags": [],
    })
}

fn notes(nodes: &Nodes, platform: &Platform) -> Vec<Value> {
    let Platform { name, credential, base_url, .. } = platform;
    let placeholder = format!("{}_CREDENTIALS_ID", platform.slug.to_uppercase());
    let role = format!(
        "## Coccinelle → {name}\nReçoit de Coccinelle une écriture à la fois, la fait dans {name} à travers le proxy de Coccinelle, \
         puis rend compte.\n\nAucun identifiant {name} n'est gardé ici : le proxy ajoute ceux du client, compte ses appels et \
         cherche avant de créer."
    );
    let secret = "## À régler une seule fois\nNœud **Calculer la signature** : créez un identifiant **Crypto** et mettez dans \
                  *Hmac Secret* le même texte que le réglage `n8n.signing_secret` de Coccinelle.\n\nPuis publiez le workflow.";
    let own = format!(
        "## Vos propres identifiants n8n\nUn seul nœud à changer, **Écrire dans {name}** : *Authentication* → *Predefined Credential \
         Type* → **{credential}** (`{placeholder}`), l'en-tête *Authorization* supprimé, et dans *URL* \
         `{base_url}` à la place de `proxy_url`.\n\nCoccinelle ne cherche alors plus avant de créer une seconde fois."
    );
    let report = format!(
        "## Compte rendu\nCoccinelle relit toujours {name} avant de croire un succès. Sans compte rendu avant `expires_at`, elle \
         cherche l'objet puis confie de nouveau l'écriture.\n\n`retryable` : vrai si le même appel peut réussir plus tard."
    );
    vec![
        nodes.note("Note : rôle", (-80, -320), &role),
        nodes.note("Note : secret", (480, -320), secret),
        nodes.note("Note : identifiants", (1_560, -320), &own),
        nodes.note("Note : compte rendu", (2_120, -320), &report),
    ]
}

/// From the webhook to the answer that the write was taken.
fn door(nodes: &Nodes, platform: &Platform) -> Vec<Value> {
    let slug = platform.slug;
    let header = |name: &str| format!("$('Demande de Coccinelle').item.json.headers['x-coccinelle-{name}']");
    let (path, options) = (format!("coccinelle/{slug}"), json!({"rawBody": true}));
    let text = json!({
        "operation": "text",
        "binaryPropertyName": "data",
        "destinationKey": "texte",
        "options": {"stripBOM": false},
    });
    let signature = json!({
        "action": "hmac",
        "type": "SHA256",
        "value": format!("={{{{ {} + '.' + $json.texte }}}}", header("timestamp")),
        "dataPropertyName": "signature",
        "encoding": "hex",
    });
    let exact = format!("{} === 'sha256=' + $json.signature", header("signature"));
    let recent = format!("Math.abs(Date.now() / 1000 - Number({})) <= 300", header("timestamp"));
    let there = format!("{{ ok: true, workflow: 'coccinelle-{slug}', version: {VERSION} }}");
    vec![
        nodes.webhook("Demande de Coccinelle", (0, 0), &path, &options),
        nodes.node("Lire le texte reçu", ("extractFromFile", 1.1), (220, 0), &text),
        // Not parsed: what is not ours is refused for its signature, whatever it holds.
        nodes.decision("Simple test ?", (440, 0), &[r#"/^\s*\{\s*"test"\s*:\s*true\s*\}\s*$/.test($json.texte)"#]),
        nodes.answer("Répondre au test", (680, -120), (200, &there)),
        nodes.node("Calculer la signature", ("crypto", 2.0), (680, 80), &signature),
        nodes.decision("Signature exacte et récente ?", (900, 80), &[&exact, &recent]),
        nodes.answer("Refuser la demande", (1_140, 220), (401, "{ accepted: false, error: 'signature' }")),
        nodes.answer("Accepter la demande", (1_140, 0), (202, "{ accepted: true }")),
    ]
}

/// From the write to what the platform answers.
fn work(nodes: &Nodes, platform: &Platform, call: &str) -> Vec<Value> {
    let query = "Object.entries($json.demande.request.query ?? {}).map((paire) => paire.map(encodeURIComponent).join('=')).join('&')";
    let address = format!("$json.demande.request.path + ({query} ? '?' + {query} : '')");
    let kinds = platform.kinds.join("|");
    let known =
        format!("/^(create|log|update|delete)_({kinds})$/.test($json.demande.action) && !!$json.demande.request");
    let request = json!({
        "method": "={{ $json.demande.request.method }}",
        "url": "={{ $json.demande.proxy_url }}/{{ $json.chemin }}",
        "sendHeaders": true,
        "headerParameters": {
            "parameters": [{"name": "Authorization", "value": "=Bearer {{ $json.demande.proxy_token }}"}],
        },
        "sendBody": true,
        "contentType": "raw",
        // No body at all must not be sent as an empty text in JSON.
        "rawContentType": "={{ $json.demande.request.body ? 'application/json' : 'text/plain' }}",
        "body": "={{ $json.demande.request.body ? JSON.stringify($json.demande.request.body) : '' }}",
        "options": {
            "timeout": 30_000,
            "redirect": {"redirect": {"followRedirects": false}},
            "response": {"response": {"fullResponse": true, "neverError": true}},
        },
    });
    let mut write = nodes.node(call, ("httpRequest", 4.5), (2_040, -100), &request);
    if let Value::Object(members) = &mut write {
        members.insert("onError".to_owned(), json!("continueErrorOutput"));
    }
    let parsed = "JSON.parse($('Lire le texte reçu').item.json.texte)";
    vec![
        nodes.values("Lire la demande", (1_360, 0), &[("demande", "object", parsed)]),
        nodes.values(
            "Préparer l'appel",
            (1_580, 0),
            &[
                ("demande", "object", "$json.demande"),
                ("chemin", "string", &format!("$json.demande.request ? {address} : ''")),
            ],
        ),
        nodes.decision("Action connue ?", (1_800, 0), &[&known]),
        write,
    ]
}

fn reports(nodes: &Nodes, platform: &Platform) -> Vec<Value> {
    let Platform { slug, name, object_id, reason, .. } = platform;
    let demand = "$('Préparer l\\'appel').item.json.demande";
    let done = format!(
        "{{ success: true, {slug}_id: String($json.headers?.['x-coccinelle-object-id'] ?? {object_id} ?? {demand}.external_id) }}"
    );
    let refusals: Vec<String> = REFUSALS.iter().map(|(code, why)| format!("{code}: '{why}'")).collect();
    let refusals = refusals.join(", ");
    let ours =
        format!("'Coccinelle (et non {name}) refuse : ' + ({{ {refusals} }}[$json.body.code] ?? $json.body.detail)");
    let theirs = format!("{reason} ?? $json.error?.message ?? ('{name} a répondu ' + $json.statusCode)");
    let said = format!("String($json.body?.type).startsWith('urn:coccinelle:') ? {ours} : ({theirs})");
    let failed = format!("{{ success: false, error: String({said}), retryable: {RESULT} === 'retry' }}");
    let unknown = format!(
        "{{ success: false, error: 'Ce workflow ne connaît pas l\\'action ' + {demand}.action, retryable: false }}"
    );
    vec![
        nodes.decision("Réussi ?", (2_280, -100), &[&format!("{RESULT} === 'done'")]),
        nodes.report("Annoncer le succès", (2_520, -220), &done),
        nodes.report("Annoncer l'échec", (2_520, 20), &failed),
        nodes.report("Annoncer une action inconnue", (2_040, 220), &unknown),
    ]
}

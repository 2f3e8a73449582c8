//! The tabs of an integration and the way to a platform's page, as a browser without JavaScript meets them.

use domain::access::Role;
use domain::id::IntegrationId;
use domain::identity::{Identity, Scheme};
use domain::kind::RecordKind;
use persistence::Scope;
use persistence::records::conflicts::Conflict;
use serde_json::json;

use crate::connecting::connected;
use crate::consenting::{Begun, Consenting, SCOPES};
use crate::failure_groups::two_alike;
use crate::pages::{Browser, Page, is_sound};
use crate::people::planted;
use crate::repair::{blocked, outcome, refused};
use crate::world::World;

/// What stands between these two in a page.
#[track_caller]
fn between<'a>(html: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = html.split_once(before).unwrap_or_else(|| panic!("{before:?} is not in {html}"));
    rest.split(after).next().unwrap()
}

/// The consent that a page leads to, as the stand-in shows it.
#[track_caller]
fn led(page: &Page, browser: &Browser<'_>) -> Begun {
    assert_eq!(page.status, 200, "{page:?}");
    is_sound(page, "fr");
    page.says("Vous allez chez HubSpot");
    let on = page.headers["refresh"].to_str().unwrap().strip_prefix("0;url=").unwrap();
    assert!(page.html.contains(&on.replace('&', "&#38;")), "{on} is not in {}", page.html);
    let (name, value) = browser.cookies.iter().find(|(name, _)| name.contains("oauth")).unwrap();
    Begun { page: on.parse().unwrap(), cookie: format!("{name}={value}") }
}

#[tokio::test]
async fn an_account_is_connected_by_a_consent_that_may_be_denied_first() {
    let it = Consenting::start().await;
    let mut browser = Browser::of(&it.world, Role::Admin).await;
    let form = "/dashboard/integrations/new?platform=hubspot";
    browser
        .get(form)
        .await
        .says("Connecter avec HubSpot")
        .says("créer et modifier les contacts et leurs appels (<code>crm.objects.contacts.write</code>)");
    browser.get(&format!("{form}&by=key")).await.says("Clé API").says("Se connecter sans clé");
    let new = "/dashboard/integrations/new/consent";
    let page = browser.submit(form, new, &[("platform", "hubspot"), ("name", "")]).await;
    assert_eq!(page.status, 422, "{page:?}");
    page.says("Donnez un nom de 1 à 100 caractères.").says("Connecter avec HubSpot");

    let page = browser.submit(form, new, &[("platform", "hubspot"), ("name", "Mon CRM")]).await;
    let begun = led(&page, &browser);
    let back = it.decide(&begun, ("4242", "refuse", SCOPES)).await;
    let (home, query) = it.come_back(&back, Some(&begun.cookie), None).await;
    assert_eq!(query[0].1, "consent_denied");
    let denied = browser.get(&format!("{home}?oauth_error=consent_denied")).await;
    is_sound(&denied, "fr");
    denied.says("Vous n'avez pas donné votre accord.").says("Non connectée").says("Connecter avec HubSpot");

    let page = browser.submit(&home, &format!("{home}/consent"), &[]).await;
    let begun = led(&page, &browser);
    let small = "oauth crm.objects.contacts.read crm.objects.contacts.write";
    let back = it.decide(&begun, ("4242", "grant", small)).await;
    let (_, query) = it.come_back(&back, Some(&begun.cookie), None).await;
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let lacking = browser.get(&format!("{home}?{query}")).await;
    lacking.says("Il manque des droits.").says("lire les affaires (<code>crm.objects.deals.read</code>)");

    let page = browser.submit(&home, &format!("{home}/consent"), &[]).await;
    let begun = led(&page, &browser);
    let back = it.decide(&begun, ("4242", "grant", SCOPES)).await;
    it.come_back(&back, Some(&begun.cookie), None).await;
    let page = browser.get(&format!("{home}?connected=1")).await;
    page.says("Le compte est connecté.").says("Activer et lancer la première synchronisation").says("HubSpot 4242");
    let page = browser.submit(&home, &format!("{home}/begin"), &[]).await;
    assert_eq!(page.location(), format!("{home}?said=created"), "{page:?}");
    browser.get(page.location()).await.says("<progress");
    browser.get(&format!("{home}?said=not_begun")).await.says("n'a pas pu commencer");

    // The grant ends, and is given again.
    let id = home.rsplit('/').next().unwrap().to_owned();
    let end = format!("UPDATE integration_health SET status = 'reauth_required' WHERE integration_id = '{id}'");
    it.world.database.execute(&end).await;
    browser.get(&home).await.says("Reconnecter avec HubSpot");
    let page = browser.submit(&home, &format!("{home}/consent"), &[]).await;
    led(&page, &browser);
    it.stop().await;
}

#[tokio::test]
async fn words_in_the_address_of_a_consent_are_never_more_than_words() {
    let world = World::start().await;
    let mut browser = Browser::of(&world, Role::Admin).await;
    for query in [
        "oauth_error=platform_refused&reason=%3Cscript%3Ealert(1)%3C/script%3E",
        "oauth_error=scopes_missing&missing=%3Cscript%3E+a%22b",
        "oauth_error=account_taken&other=https://evil.example",
        "oauth_error=%3Cscript%3E",
    ] {
        let page = browser.get(&format!("/dashboard/integrations?{query}")).await;
        is_sound(&page, "fr");
        assert!(
            !page.html.contains("<script>") && !page.html.contains("href=\"https://evil"),
            "{query}: {}",
            page.html
        );
    }
    world.stop().await;
}

#[tokio::test]
async fn failures_are_seen_by_cause_counted_first_and_then_tried_again() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let integration: IntegrationId = id.parse().unwrap();
    let (tab, mut browser) = (format!("/dashboard/integrations/{id}/failures"), Browser::of(&world, Role::Admin).await);
    browser.get(&tab).await.says("Aucun échec");
    world.post(&format!("/api/v1/integrations/{id}/enable"), json!({})).await;
    for code in ["PHONE", "PHONE", "EMAIL"] {
        blocked(&world, integration, refused(code)).await;
    }
    let mut tx = world.worker().begin(Scope::System).await.unwrap();
    let attempt = outcome(&world, integration, "2026-11-22T10:00:00Z", Some(refused("PHONE")));
    persistence::sync_logs::insert_batch(&mut tx, &[attempt]).await.unwrap();
    tx.commit().await.unwrap();
    let page = browser.get(&tab).await;
    is_sound(&page, "fr");
    page.says("3 fiches sont en échec").says("PHONE is not valid").says("Corrigez la fiche ou le mapping");
    browser.get(&format!("/dashboard/integrations/{id}")).await.says("Voir les échecs");

    let group = page.html.split("href=\"").find(|part| part.contains("/failures/") && part.contains("PHONE")).unwrap();
    let group = group.split('"').next().unwrap().to_owned();
    let page = browser.get(&group).await;
    is_sound(&page, "fr");
    page.says("Fiches concernées").says("Rejouer ce groupe").says("mailto:");
    let fingerprint = between(&page.html, "name=\"fingerprint\" value=\"", "\"").to_owned();
    let counted = browser.submit(&tab, &tab, &[("fingerprint", &fingerprint)]).await;
    assert_eq!(counted.status, 200);
    counted.says("2 fiches seraient rejouées. Rien n'est encore parti.").says("Rejouer 2 fiches");
    browser.get(&tab).await.says("3 fiches sont en échec");
    let done = browser.submit(&tab, &tab, &[("fingerprint", &fingerprint), ("sure", "1")]).await;
    assert_eq!(done.location(), format!("{tab}?said=replayed"), "{done:?}");
    browser.get(&tab).await.says("1 fiche est en échec");

    for value in ["yesterday", "2026-13-01T00:00", "<b>"] {
        let page = browser.submit(&tab, &tab, &[("since", value)]).await;
        assert_eq!(page.status, 422, "{page:?}");
        page.says("aria-invalid=\"true\"");
        assert!(!page.html.contains("<b>"));
    }
    let none = browser.submit(&tab, &tab, &[("until", "2020-01-01T00:00")]).await;
    none.says("Il n'y a rien à rejouer ici.");
    let all = browser.submit(&tab, &tab, &[("since", "2020-01-01T00:00")]).await;
    all.says("1 fiche serait rejouée").says("name=\"since\" value=\"2020-01-01T00:00\"");
    let link = browser.submit(&tab, &tab, &[("link_id", "lnk_x")]).await;
    assert_eq!(link.status, 404);
    world.stop().await;
}

#[tokio::test]
async fn a_correction_is_tried_on_a_group_of_failures_before_anything_is_sent() {
    let world = World::start().await;
    let (mut browser, tab, group) = two_alike(&world).await;
    browser.get(&group).await.says("Essayer une correction");

    let tried = browser.submit(&group, &group, &[("field", "email"), ("value", "zoe@exemple.fr")]).await;
    assert_eq!(tried.status, 200, "{tried:?}");
    is_sound(&tried, "fr");
    tried.says("Sur 2 fiches en échec :").says("<dt>Envoi différent</dt><dd>2</dd>");
    tried.says("<code>email</code> zoe@example.fr → zoe@exemple.fr");
    let tried = browser.submit(&group, &group, &[("remote", "firstname"), ("local", "email")]).await;
    tried.says("<code>firstname</code> – → zoe@example.fr");
    let same = browser.submit(&group, &group, &[]).await;
    same.says("<dt>Même envoi</dt><dd>2</dd>").says("C'est la même chose que ce qui a échoué.");

    let wrong = browser.submit(&group, &group, &[("field", "email"), ("value", "<b>")]).await;
    assert_eq!(wrong.status, 422, "{wrong:?}");
    is_sound(&wrong, "fr");
    wrong.says("aria-invalid=\"true\"");
    assert!(!wrong.html.contains("<b>"));
    browser.get(&tab).await.says("2 fiches sont en échec");
    browser.language = "en";
    browser.submit(&group, &group, &[]).await.says("Try a correction").says("Of 2 failed records:");
    let seen = Browser::of(&world, Role::Viewer).await.get(&group).await;
    assert!(!seen.html.contains("Essayer une correction"), "{seen:?}");
    world.stop().await;
}

#[tokio::test]
async fn webhooks_show_their_address_their_secret_once_and_what_came_in() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    planted(&world, id.parse().unwrap()).await;
    let tab = format!("/dashboard/integrations/{id}/webhooks");
    let mut browser = Browser::of(&world, Role::Admin).await;
    let page = browser.get(&tab).await;
    is_sound(&page, "fr");
    page.says(&format!("/webhooks/integrations/hubspot/{id}")).says("signés par le secret de l'application Coccinelle");
    let delivery = page.html.split("href=\"").find(|part| part.contains("/webhooks/whk_")).unwrap();
    let delivery = delivery.split('"').next().unwrap().to_owned();
    let page = browser.get(&delivery).await;
    is_sound(&page, "fr");
    page.says("Contenu").says("70501");
    // HubSpot's deliveries are signed by our app: that secret is not the tenant's to replace.
    let page = browser.submit(&tab, &format!("{tab}/rotate"), &[]).await;
    assert_eq!(page.status, 409, "{page:?}");
    let nonsense = browser.get(&format!("{tab}?cursor=%3Cb%3E")).await;
    assert_eq!(nonsense.status, 422);
    is_sound(&nonsense, "fr");
    world.stop().await;
}

#[tokio::test]
async fn records_are_found_shown_in_full_restored_and_erased() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let zoe = planted(&world, id.parse().unwrap()).await;
    let tab = format!("/dashboard/integrations/{id}/data");
    let mut browser = Browser::of(&world, Role::Admin).await;
    let page = browser.get(&tab).await;
    is_sound(&page, "fr");
    page.says("Zoé Dupré").says("zoe@exemple.fr · 0612345678");
    browser.get(&format!("{tab}?q=06+12+34+56+78")).await.says("Zoé Dupré");
    browser.get(&format!("{tab}?q=personne")).await.says("Aucune fiche ne correspond");
    // The appointment is on no platform: it is found among all.
    browser.get(&format!("{tab}?kind=deal")).await.says("Aucune fiche").says("Liées à HubSpot");
    let all = browser.get(&format!("{tab}?kind=deal&among=all")).await;
    is_sound(&all, "fr");
    all.says("Allergique aux lys").says("<option value=\"all\" selected>");
    browser.get(&format!("{tab}?kind=%3Cb%3E&q=%00%3Cscript%3E")).await.says("Aucune fiche ne correspond");

    let one = format!("{tab}/{zoe}");
    let page = browser.get(&one).await;
    is_sound(&page, "fr");
    page.says("Prénom").says("zoe@exemple.fr").says("https://app.hubspot.com/contacts/4242/record/0-1/70501");
    page.says("Chez Zoé").says("Modifiée des deux côtés à la fois");
    let conflict = between(&page.html, "name=\"conflict\" value=\"", "\"").to_owned();
    let refused = browser.submit(&one, &format!("{one}/decide"), &[("conflict", &conflict), ("action", "x")]).await;
    assert_eq!(refused.status, 422);
    let decided = [("conflict", conflict.as_str()), ("action", "restore")];
    let page = browser.submit(&one, &format!("{one}/decide"), &decided).await;
    assert_eq!(page.location(), format!("{one}?said=decided"), "{page:?}");
    browser.get(&one).await.says("Restaurée");
    let again = browser.submit(&one, &format!("{one}/decide"), &[("conflict", &conflict), ("action", "keep")]).await;
    assert_eq!(again.location(), format!("{one}?said=conflict_closed"), "{again:?}");

    let page = browser.submit(&one, &format!("{one}/erase"), &[("confirm", "quelqu'un")]).await;
    assert_eq!(page.status, 422);
    page.says("Ce n'est pas le nom de la fiche");
    let page = browser.submit(&one, &format!("{one}/erase"), &[("confirm", "Zoé Dupré")]).await;
    assert_eq!(page.location(), format!("{tab}?said=erased"), "{page:?}");
    assert_eq!(browser.get(&one).await.status, 404);
    world.stop().await;
}

/// The fields of the mapping editor, as they stand in a page.
fn rows(html: &str) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for row in html.split("<fieldset class=\"map").skip(1) {
        let row = row.split("</fieldset>").next().unwrap();
        for select in row.split("<select ").skip(1) {
            let name = between(select, "name=\"", "\"");
            let chosen = select.split("<option value=\"").find(|option| option.contains("\" selected"));
            rows.push((name.to_owned(), chosen.map_or("", |option| option.split('"').next().unwrap()).to_owned()));
        }
        for input in row.split("<input ").skip(1).filter(|input| !input.starts_with("type=\"checkbox\"")) {
            rows.push((between(input, "name=\"", "\"").to_owned(), between(input, "value=\"", "\"").to_owned()));
        }
        let area = row.split("<textarea ").nth(1).unwrap();
        rows.push((between(area, "name=\"", "\"").to_owned(), between(area, ">", "<").to_owned()));
        for input in row.split("<input type=\"checkbox\" ").skip(1) {
            if input.split('>').next().unwrap().contains(" checked") {
                rows.push((between(input, "name=\"", "\"").to_owned(), "1".to_owned()));
            }
        }
    }
    rows
}

/// Lines that no mapping may hold: the platform's field (a very long one, where there is none), transform and setting.
const BAD_LINES: [(&str, &str, &str); 7] = [
    ("nothing_of_that_name", "none", ""),
    ("<script>alert(1)</script>", "none", ""),
    ("", "none", ""),
    ("loyalty", "<b>", ""),
    ("loyalty", "template", "{{ nobody }}"),
    ("loyalty", "value_map", "no pair"),
    ("loyalty", "split", "middle"),
];

/// Sends the form of a mapping.
async fn send(browser: &mut Browser<'_>, tab: &str, fields: &[(String, String)]) -> Page {
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.submit(tab, tab, &fields).await
}

/// Going back to the default is seen first as well.
async fn is_set_back(browser: &mut Browser<'_>, tab: &str) {
    let page = browser.submit(tab, &format!("{tab}/reset"), &[("kind", "contact")]).await;
    assert_eq!(page.status, 200, "{page:?}");
    is_sound(page.says("serait modifiée sur la plateforme").says("Enregistrer ce mapping"), "fr");
    page.says(&format!(" data-path=\"{tab}?kind=contact\""));
    assert!(!page.html.contains("value=\"loyalty\" list"), "{page:?}");
    browser.get(tab).await.says("value=\"loyalty\" list");
    let mut defaults = rows(&page.html);
    for name in ["kind", "version", "previewed"] {
        let value = between(&page.html, &format!("name=\"{name}\" value=\""), "\"").replace("&#34;", "\"");
        defaults.push((name.to_owned(), value));
    }
    defaults.push(("save".to_owned(), "1".to_owned()));
    let page = send(browser, tab, &defaults).await;
    assert_eq!(page.location(), format!("{tab}?kind=contact&said=mapped"), "{page:?}");
    assert!(!browser.get(tab).await.html.contains("value=\"loyalty\" list"));
}

#[tokio::test]
async fn a_mapping_is_changed_by_its_form_once_its_preview_was_seen_and_set_back() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    planted(&world, id.parse().unwrap()).await;
    world.add_property("loyalty").await;
    let tab = format!("/dashboard/integrations/{id}/fields");
    let mut browser = Browser::of(&world, Role::Admin).await;
    let page = browser.get(&tab).await;
    is_sound(&page, "fr");
    page.says("n'ont pas encore été lus").says("Prénom").says("value=\"firstname\"");
    let read = browser.submit(&tab, &format!("{tab}/refresh"), &[("kind", "contact")]).await;
    assert_eq!(read.location(), format!("{tab}?kind=contact&said=fields_read"), "{read:?}");
    browser.get(&tab).await.says("<option value=\"loyalty\">").says("lus le");

    let present = rows(&browser.get(&tab).await.html);
    let blank = present.iter().filter(|(name, _)| name.ends_with(".local")).count() - 2;
    let fill = |remote: &str, transform: &str, detail: &str| {
        let mut fields = present.clone();
        for (name, value) in [("local", "city"), ("remote", remote), ("direction", "to_platform")] {
            fields.push((format!("f.{blank}.{name}"), value.to_owned()));
        }
        fields.push((format!("f.{blank}.transform"), transform.to_owned()));
        fields.push((format!("f.{blank}.detail"), detail.to_owned()));
        // What stands first of a name counts.
        fields.reverse();
        fields.extend([("kind".to_owned(), "contact".to_owned()), ("version".to_owned(), "1".to_owned())]);
        fields
    };
    for (remote, transform, detail) in BAD_LINES {
        let remote = if remote.is_empty() { "x".repeat(10_000) } else { remote.to_owned() };
        let page = send(&mut browser, &tab, &fill(&remote, transform, detail)).await;
        assert_eq!(page.status, 422, "{remote} {transform}: {page:?}");
        is_sound(&page, "fr");
        page.says("aria-invalid=\"true\"");
        assert!(!page.html.contains("<script>alert"));
    }
    let mut good = fill("loyalty", "text", "trim upper");
    let page = send(&mut browser, &tab, &good).await;
    assert_eq!(page.status, 200, "{page:?}");
    is_sound(&page, "fr");
    page.says("0 fiche déjà présente serait modifiée sur la plateforme.").says("Enregistrer ce mapping");
    let previewed = between(&page.html, "name=\"previewed\" value=\"", "\"").replace("&#34;", "\"");
    good.extend([("previewed".to_owned(), previewed), ("save".to_owned(), "1".to_owned())]);
    // Another draft than the one that was seen is shown first.
    let mut other = good.clone();
    other.insert(0, (format!("f.{blank}.detail"), "trim lower".to_owned()));
    send(&mut browser, &tab, &other).await.says("Enregistrer ce mapping");
    let page = send(&mut browser, &tab, &good).await;
    assert_eq!(page.location(), format!("{tab}?kind=contact&said=mapped"), "{page:?}");
    browser.get(&tab).await.says("value=\"loyalty\"").says("trim upper");
    let page = send(&mut browser, &tab, &good).await;
    assert_eq!(page.status, 412, "{page:?}");
    page.says("name=\"version\" value=\"2\"");
    // A draft that began before somebody else saved stays one of then, and is not to be saved after its preview either.
    good.retain(|(name, _)| name != "save");
    send(&mut browser, &tab, &good).await.says("name=\"version\" value=\"1\"").says("Enregistrer ce mapping");
    is_set_back(&mut browser, &tab).await;
    world.stop().await;
}

#[tokio::test]
async fn who_hears_of_an_integration_is_chosen_or_refused_beside_its_field() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let mut browser = Browser::of(&world, Role::Admin).await;
    let tab = format!("/dashboard/integrations/{id}/settings");
    let page = browser.get(&tab).await;
    page.says("Qui est prévenu").says("Quand prévenir");
    assert_eq!(page.html.matches("name=\"alerts.triggers.").count(), 6);
    assert_eq!(between(&page.html, "Quand prévenir", "</fieldset>").matches(" checked").count(), 6);
    let version = between(&page.html, "name=\"version\" value=\"", "\"").to_owned();
    let typed = |to, emails, ticked| {
        let fields = [("version", version.as_str()), ("name", "HubSpot"), ("alerts.to", to), ("alerts.emails", emails)];
        fields.into_iter().chain(Some(("alerts.triggers.drift", "1")).filter(|_| ticked)).collect::<Vec<_>>()
    };
    for (to, emails, ticked, said) in [
        ("addresses", "", true, "Donnez au moins une adresse"),
        ("addresses", "<b>", true, "Ce n'est pas une adresse e-mail."),
        ("tenant", "", false, "Cochez au moins un cas"),
    ] {
        let page = browser.submit(&tab, &tab, &typed(to, emails, ticked)).await;
        assert_eq!(page.status, 422, "{page:?}");
        is_sound(&page, "fr");
        page.says(said).says(&format!("value=\"{to}\" checked"));
    }
    let emails = "boutique@cabinet.example\r\n\r\n zoe@cabinet.example";
    let page = browser.submit(&tab, &tab, &typed("addresses", emails, true)).await;
    assert_eq!(page.location(), format!("{tab}?said=saved"), "{page:?}");
    let kept = json!({ "to": "addresses", "emails": ["boutique@cabinet.example", "zoe@cabinet.example"],
        "triggers": ["drift"] });
    assert_eq!(world.get(&format!("/api/v1/integrations/{id}")).await.body["alerts"], kept);
    let page = browser.get(&tab).await;
    assert_eq!(between(&page.html, "Quand prévenir", "</fieldset>").matches(" checked").count(), 1);
    world.stop().await;
}

#[tokio::test]
async fn conflicts_alerts_and_the_direction_of_a_kind_are_set_by_forms_that_leave_alone_what_they_do_not_show() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let mut browser = Browser::of(&world, Role::Admin).await;
    let tab = format!("/dashboard/integrations/{id}/settings");
    let page = browser.get(&tab).await;
    let version = between(&page.html, "name=\"version\" value=\"", "\"").to_owned();
    let fields = [("version", version.as_str()), ("name", "HubSpot"), ("kind_directions.deal", "from_platform")];
    let page = browser.submit(&tab, &tab, &fields).await;
    assert_eq!(page.location(), format!("{tab}?said=saved"), "{page:?}");
    let shown = world.get(&format!("/api/v1/integrations/{id}")).await;
    assert_eq!(shown.body["kind_directions"], json!({ "deal": "from_platform" }));
    // How often is looked there is shown, and follows the settings of the service.
    assert_eq!([&shown.body["polled_every"], &shown.body["walked_every"]], [&json!(900), &json!(86_400)]);
    browser.get(&tab).await.says("toutes les 15\u{202f}min").says("toutes les 24\u{202f}h");

    let path = "/dashboard/settings";
    let base = [("version", "0"), ("language", "fr"), ("time_zone", "Europe/Paris"), ("region", "FR")];
    let send = async |browser: &mut Browser<'_>, more: &[(&str, &str)]| {
        let fields: Vec<_> = more.iter().chain(&base).copied().collect();
        browser.submit(path, path, &fields).await
    };
    for (name, value) in [("hook.0.url", "http://x"), ("hook.0.url", "<b>"), ("policy.contact", "<script>")] {
        let hook = [(name, value), ("hook.0.name", "Astreinte"), ("hook.0.form", "slack"), ("policy.contact", "")];
        let page = send(&mut browser, &hook).await;
        assert_eq!(page.status, 422, "{name} {value}: {page:?}");
        is_sound(&page, "fr");
        assert!(!page.html.contains("<script>"), "{}", page.html);
    }
    let good = [
        ("hook.0.name", "Astreinte"),
        ("hook.0.form", "slack"),
        ("hook.0.url", "https://hooks.slack.com/services/x"),
        ("policy.contact", "coccinelle"),
        ("deletions.contact", "nobodys"),
        ("vanished.deal", "unlink"),
    ];
    let page = send(&mut browser, &good).await;
    assert_eq!(page.location(), "/dashboard/settings?said=saved", "{page:?}");
    let page = browser.get(path).await;
    page.says("Astreinte").says("hooks.slack.com. Laissez vide pour la garder.");
    page.says("value=\"coccinelle\" selected").says("value=\"nobodys\" selected");
    page.says("value=\"unlink\" selected");
    assert!(!page.html.contains("services/x"), "{}", page.html);
    // A form without these fields leaves them.
    let plain = [("version", "1"), ("language", "en"), ("time_zone", "Europe/Paris"), ("region", "FR")];
    let page = browser.submit(path, path, &plain).await;
    assert_eq!(page.location(), "/dashboard/settings?said=saved", "{page:?}");
    let kept = world.get("/api/v1/settings").await;
    assert_eq!(kept.body["alert_webhooks"][0]["name"], "Astreinte", "{kept:?}");
    assert_eq!(kept.body["conflict_policy"]["rules"][0]["ranking"], json!(["coccinelle"]));
    let deletions = json!([
        {"kind": "contact", "carried": "nobodys", "vanished": "follow"},
        {"kind": "deal", "carried": "coccinelles", "vanished": "unlink"},
    ]);
    assert_eq!(kept.body["conflict_policy"]["deletions"], deletions);
    world.stop().await;
}

#[tokio::test]
async fn what_no_account_was_ever_connected_to_is_removed_by_one_button() {
    let it = Consenting::start().await;
    let mut browser = Browser::of(&it.world, Role::Admin).await;
    let form = "/dashboard/integrations/new?platform=hubspot";
    let new = "/dashboard/integrations/new/consent";
    let page = browser.submit(form, new, &[("platform", "hubspot"), ("name", "Mon CRM")]).await;
    let begun = led(&page, &browser);
    let back = it.decide(&begun, ("4242", "refuse", SCOPES)).await;
    let (home, _) = it.come_back(&back, Some(&begun.cookie), None).await;
    browser.get(&home).await.says("Retirer cette intégration");
    let page = browser.submit(&home, &format!("{home}/delete"), &[]).await;
    assert_eq!(page.location(), "/dashboard/integrations?said=deleted", "{page:?}");
    let listed = it.world.get("/api/v1/integrations/configured").await;
    assert_eq!(listed.body["data"], json!([]), "{listed:?}");
    it.stop().await;
}

#[tokio::test]
async fn a_duplicate_is_told_with_its_cause_what_can_be_done_and_whom_to_ask_in_both_languages() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let record = world.record(RecordKind::Contact, &[("first_name", "Zoé"), ("last_name", "Dupré")]).await;
    let other = world.record(RecordKind::Contact, &[("first_name", "Zoé"), ("last_name", "Durand")]).await;
    let identity = Identity { scheme: Scheme::Email, value: "zoe@exemple.fr".to_owned() };
    world.keep(&[Conflict::Identity { record: other, identity, holder: record }]).await;
    let one = format!("/dashboard/integrations/{id}/data/{record}");
    let mut browser = Browser::of(&world, Role::Admin).await;
    for (language, title, cause, subject) in [
        (
            "fr",
            "Contact dupliqué",
            "Une autre fiche porte aussi zoe@exemple.fr",
            "Coccinelle%2C%20r%C3%A9f%C3%A9rence%20",
        ),
        ("en", "Duplicate contact", "Another record has zoe@exemple.fr as well", "Coccinelle%2C%20reference%20"),
    ] {
        browser.language = language;
        let page = browser.get(&one).await;
        is_sound(page.says(title).says(cause).says("Zoé Durand").says("value=\"merge\""), language);
        let reference = between(&page.html, subject, "\"");
        assert!(reference.len() == 32 && reference.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", page.html);
    }
    // Who may only look is told of it as well, and decides nothing.
    let page = Browser::of(&world, Role::Viewer).await.get(&one).await;
    page.says("Contact dupliqué").says("Zoé Durand").says(&format!("/logs?q={record}\">Voir ses tentatives"));
    assert!(!page.html.contains("value=\"merge\""), "{page:?}");
    let conflict = between(&browser.get(&one).await.html, "name=\"conflict\" value=\"", "\"").to_owned();
    let fields = [("conflict", conflict.as_str()), ("action", "keep_apart")];
    let page = browser.submit(&one, &format!("{one}/decide"), &fields).await;
    assert_eq!(page.location(), format!("{one}?said=decided"), "{page:?}");
    assert!(!browser.get(&one).await.html.contains("Duplicate contact"));
    world.stop().await;
}

#[tokio::test]
async fn the_tab_and_the_card_say_in_figures_and_in_words_how_many_failures_stand() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let home = format!("/dashboard/integrations/{id}");
    let mut browser = Browser::of(&world, Role::Admin).await;
    for place in [home.clone(), format!("{home}/settings"), "/dashboard/integrations".to_owned()] {
        let html = browser.get(&place).await.html;
        assert!(!html.contains("class=\"count\"") && !html.contains("fiches en échec"), "{place}: {html}");
    }
    for (standing, figure, french, english) in [
        (1, "1", "1 fiche en échec", "1 record failed"),
        (99, "99", "99 fiches en échec", "99 records failed"),
        (150, "99+", "plus de 99 fiches en échec", "more than 99 records failed"),
    ] {
        let block = format!(
            "INSERT INTO record_links (id, tenant_id, integration_id, kind, external_id, blocked_at)
             SELECT 'lnk_' || n, '{}', '{id}', 'contact', n, now() FROM generate_series(1, {standing}) AS n
             ON CONFLICT DO NOTHING",
            world.tenant
        );
        world.database.execute(&block).await;
        for (language, words) in [("fr", french), ("en", english)] {
            browser.language = language;
            for place in [home.clone(), format!("{home}/settings")] {
                let page = browser.get(&place).await;
                is_sound(page.says(&format!("<span class=\"visually-hidden\"> ({words})</span>")), language);
                page.says(&format!("aria-hidden=\"true\">{figure}</span>"));
            }
            is_sound(browser.get("/dashboard/integrations").await.says(words), language);
        }
    }
    world.stop().await;
}

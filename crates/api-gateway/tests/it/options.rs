//! The choices that a platform offers: told by the catalogue, checked, kept, and fixed once another would mean other objects.

use connectors::descriptor::Words;
use connectors::registry;
use domain::access::Role;
use domain::id::IntegrationId;
use domain::kind::RecordKind;
use persistence::Scope;
use persistence::records::links::{self, Heard};
use serde_json::{Value, json};

use crate::consents::with_apps;
use crate::pages::{Browser, is_sound};
use crate::world::World;

fn waiting(platform: &str, options: Value) -> Value {
    json!({"name": "Compte", "platform": platform, "options": options})
}

#[tokio::test]
async fn the_catalogue_tells_the_choices_and_an_integration_keeps_those_that_were_made() {
    let world = World::start().await;
    let catalogue = world.get("/api/v1/integrations").await;
    let offered = |platform: &str| {
        let all = catalogue.body["data"].as_array().unwrap();
        all.iter().find(|entry| entry["platform"] == platform).unwrap()["options"].clone()
    };
    assert_eq!(offered("hubspot"), json!([]));
    let people = &offered("salesforce")[0];
    assert_eq!((&people["name"], &people["fixed"]), (&json!("people"), &json!(true)), "{people}");
    let values: Vec<_> = people["choices"].as_array().unwrap().iter().map(|choice| choice["value"].clone()).collect();
    assert_eq!(values, ["contact", "lead"]);
    assert_eq!(offered("zendesk")[0]["choices"][1]["value"], "comment");

    let path = "/api/v1/integrations";
    for (platform, options, at) in [
        ("salesforce", json!({"people": "dog"}), "options.people"),
        ("salesforce", json!({"calls": "ticket"}), "options.calls"),
        ("zendesk", json!({"people": "lead"}), "options.people"),
    ] {
        let refused = world.post(path, waiting(platform, options)).await;
        refused.is_problem(422, "invalid");
        assert!(refused.paths().contains(&at), "{refused:?}");
    }
    let made = world.post(path, waiting("salesforce", json!({"people": "lead"}))).await;
    assert_eq!((made.status.as_u16(), &made.body["options"]), (201, &json!({"people": "lead"})), "{made:?}");
    let own = format!("{path}/{}", made.body["id"].as_str().unwrap());
    assert_eq!(world.get(&own).await.body["options"], json!({"people": "lead"}));
    let renamed = world.put(&own, "\"1\"", json!({"name": "Autre"})).await;
    assert_eq!(renamed.body["options"], json!({"people": "lead"}), "{renamed:?}");
    let usual = world.put(&own, "\"2\"", json!({"options": {}})).await;
    assert_eq!((usual.status.as_u16(), &usual.body["options"]), (200, &json!({})), "{usual:?}");
    world.put(&own, "\"3\"", json!({"options": {"people": "dog"}})).await.is_problem(422, "invalid");
    world.stop().await;
}

#[tokio::test]
async fn a_choice_that_says_which_objects_are_meant_is_fixed_once_there_are_some() {
    let world = World::start().await;
    let made = world.post("/api/v1/integrations", waiting("salesforce", json!({}))).await;
    let id: IntegrationId = made.body["id"].as_str().unwrap().parse().unwrap();
    let mut tx = world.worker().begin(Scope::System).await.unwrap();
    let external_ids = ["003000000000031AAA".to_owned()].into();
    let heard = Heard { tenant: world.tenant, integration: id, kind: RecordKind::Contact, external_ids };
    links::mark_dirty(&mut tx, &heard).await.unwrap();
    tx.commit().await.unwrap();
    let own = format!("/api/v1/integrations/{id}");
    let refused = world.put(&own, "\"1\"", json!({"options": {"people": "lead"}})).await;
    refused.is_problem(422, "invalid");
    assert_eq!(refused.paths(), ["options.people"]);
    // To say what is so already is no change.
    let same = world.put(&own, "\"1\"", json!({"options": {"people": "contact"}})).await;
    assert_eq!(same.status.as_u16(), 200, "{same:?}");
    world.stop().await;
}

#[tokio::test]
async fn the_settings_show_what_is_chosen_and_save_another_choice() {
    let world = World::start().await;
    let mut wish = waiting("zendesk", json!({"calls": "comment"}));
    wish["url"] = json!("acme");
    let made = world.post("/api/v1/integrations", wish).await;
    let id = made.body["id"].as_str().unwrap();
    let mut browser = Browser::of(&world, Role::Admin).await;
    let settings = format!("/dashboard/integrations/{id}/settings");
    let page = browser.get(&settings).await;
    is_sound(&page, "fr");
    page.says("Un appel devient").says("name=\"options.calls\" value=\"comment\" checked");
    let fields = [("name", "Support"), ("version", "1"), ("options.calls", "ticket")];
    let saved = browser.submit(&settings, &settings, &fields).await;
    assert_eq!(saved.location(), format!("{settings}?said=saved"), "{saved:?}");
    browser.get(&settings).await.says("name=\"options.calls\" value=\"ticket\" checked");
    let own = world.get(&format!("/api/v1/integrations/{id}")).await;
    assert_eq!(own.body["options"], json!({"calls": "ticket"}));
    let fields = [("name", "Support"), ("version", "2"), ("options.calls", "dog")];
    let refused = browser.submit(&settings, &settings, &fields).await;
    assert_eq!(refused.status, 422, "{refused:?}");
    refused.says("Choisissez l'une des réponses proposées.");
    world.stop().await;
}

#[tokio::test]
async fn the_form_of_each_platform_offers_the_choices_that_it_has_in_both_languages() {
    let world = with_apps().await;
    let mut browser = Browser::of(&world, Role::Admin).await;
    for platform in registry::all() {
        let connector = platform.connector();
        let form = format!("/dashboard/integrations/new?platform={}", connector.descriptor().slug);
        for language in ["fr", "en"] {
            browser.language = language;
            let page = browser.get(&form).await;
            is_sound(&page, language);
            let own = page.html.matches("name=\"options.").count();
            let offered: usize = connector.options().iter().map(|option| option.choices.len()).sum();
            assert_eq!(own, offered, "{form}");
            let in_language = |words: Words| if language == "fr" { words.fr } else { words.en };
            for option in connector.options() {
                page.says(in_language(option.label));
                for choice in option.choices {
                    page.says(in_language(choice.label)).says(in_language(choice.help));
                    page.says(&format!("name=\"options.{}\" value=\"{}\"", option.name, choice.value));
                }
            }
        }
    }
    world.stop().await;
}

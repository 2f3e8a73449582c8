//! Every field of every form of the dashboard, filled with what nobody should type.

use domain::access::Role;

use crate::connecting::connected;
use crate::pages::{Browser, is_sound};
use crate::people::planted;
use crate::repair::{blocked, refused};
use crate::world::World;

/// A form as it stands in a page: where it leads, and its fields with what is in them.
#[derive(Debug)]
struct Form {
    action: String,
    fields: Vec<(String, String)>,
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(rest.split('"').next().unwrap().replace("&#38;", "&").replace("&#34;", "\""))
}

/// The forms of a page that change something, one for each button that leads elsewhere.
fn forms(page: &str, html: &str) -> Vec<Form> {
    let mut forms = Vec::new();
    for part in html.split("<form").skip(1) {
        let (head, body) = part.split_once('>').unwrap();
        let body = body.split("</form>").next().unwrap();
        if attribute(head, "method").as_deref() != Some("post") {
            continue;
        }
        let action = attribute(head, "action").unwrap_or_else(|| page.to_owned());
        let tags = body.split('<').filter(|tag| ["input", "select", "textarea"].iter().any(|of| tag.starts_with(of)));
        let fields: Vec<_> = tags
            .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default())))
            .filter(|(name, _)| name != "csrf")
            .collect();
        let others = body.split("<button").filter_map(|tag| attribute(tag.split('>').next().unwrap(), "formaction"));
        let actions: Vec<_> = others.chain([action]).collect();
        forms.extend(actions.into_iter().map(|action| Form { action, fields: fields.clone() }));
    }
    forms
}

/// Markup, text that runs the other way, pictures, what no text holds, and far too much of anything.
fn hostile() -> [String; 5] {
    [
        "\"><script>alert(1)</script>".to_owned(),
        "\u{202e}\u{2066}gnihton\u{feff}".to_owned(),
        "💥👩‍👩‍👧‍👦".repeat(40),
        "\0\r\n\t'; DROP TABLE records; --".to_owned(),
        "x".repeat(10_000),
    ]
}

/// What ends what is looked at, or leaves the browser without its session.
const ENDS: [&str; 2] = ["/logout", "/preferences"];

#[tokio::test]
async fn no_field_of_any_form_takes_what_nobody_should_type_for_anything_but_text() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let record = planted(&world, id.parse().unwrap()).await;
    blocked(&world, id.parse().unwrap(), refused("PHONE")).await;
    let home = format!("/dashboard/integrations/{id}");
    let mut browser = Browser::of(&world, Role::Admin).await;
    let mut tried = 0;
    for page in [
        "/dashboard/integrations/new?platform=hubspot".to_owned(),
        "/dashboard/integrations/new?platform=woocommerce".to_owned(),
        "/dashboard/settings".to_owned(),
        format!("{home}/settings"),
        format!("{home}/failures"),
        format!("{home}/fields?kind=deal"),
        format!("{home}/data/{record}"),
        format!("{home}/webhooks"),
    ] {
        let found = forms(&page, &browser.get(&page).await.html);
        for form in found.iter().filter(|form| !ENDS.iter().any(|end| form.action.ends_with(end))) {
            for bad in hostile() {
                // All at once, and what the form needs to be found by left as it is.
                let keeps = |name: &str| ["platform", "version", "by"].contains(&name);
                let fields: Vec<(&str, &str)> = form
                    .fields
                    .iter()
                    .map(|(name, value)| (name.as_str(), if keeps(name) { value.as_str() } else { bad.as_str() }))
                    .collect();
                let answer = browser.submit(&page, &form.action, &fields).await;
                let status = answer.status.as_u16();
                assert!(
                    status == 303 || status == 200 || (400..500).contains(&status),
                    "{} {bad:?}: {answer:?}",
                    form.action
                );
                assert!(!answer.html.contains("<script>alert"), "{}: {}", form.action, answer.html);
                if status != 303 {
                    is_sound(&answer, "fr");
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 60, "only {tried} forms were tried");
    // Nothing of it is there as markup on the pages that follow, and what was there still is.
    for page in [home.clone(), format!("{home}/data/{record}"), "/dashboard/settings".to_owned()] {
        let shown = browser.get(&page).await;
        assert_eq!(shown.status, 200, "{page}");
        is_sound(&shown, "fr");
        assert!(!shown.html.contains("<script>alert"), "{page}");
    }
    world.stop().await;
}

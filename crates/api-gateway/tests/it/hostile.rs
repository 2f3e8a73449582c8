//! Every field of every form of the dashboard, filled with what nobody should type.

use domain::access::Role;

use crate::connecting::connected;
use crate::pages::{Browser, is_sound};
use crate::people::planted;
use crate::repair::{blocked, refused};
use crate::world::{Lines, World};

/// A form as it stands in a page.
#[derive(Debug)]
struct Form {
    action: String,
    /// Where its other buttons lead.
    buttons: Vec<String>,
    is_search: bool,
    fields: Vec<Field>,
}

/// A field with what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    name: String,
    value: String,
    kind: String,
    /// Whether a browser sends it as it stands.
    is_sent: bool,
}

impl Field {
    /// Whether anything may be typed into it.
    fn is_typed(&self) -> bool {
        !["hidden", "radio", "checkbox", "select"].contains(&self.kind.as_str())
    }

    /// Whether it is shown again with what was in it; secrets never are.
    fn is_kept(&self) -> bool {
        !["hidden", "password"].contains(&self.kind.as_str())
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(plain(rest.split('"').next().unwrap()))
}

/// Text as it was before it was escaped.
fn plain(html: &str) -> String {
    let escaped = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    escaped.iter().fold(html.to_owned(), |text, (escaped, is)| text.replace(escaped, is))
}

fn fields(body: &str) -> Vec<Field> {
    let mut fields = Vec::<Field>::new();
    let mut is_first = false;
    for part in body.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap();
        let element = tag.split(' ').next().unwrap();
        let value = attribute(tag, "value").unwrap_or_default();
        if element == "option"
            && let Some(select) = fields.last_mut()
            && (is_first || tag.contains(" selected"))
        {
            (select.value, is_first) = (value, false);
            continue;
        }
        let Some(name) = attribute(tag, "name").filter(|name| name != "csrf") else { continue };
        let typed = || attribute(tag, "type").unwrap_or_else(|| "text".to_owned());
        let (kind, value) = match element {
            "input" => (typed(), value),
            "textarea" => (element.to_owned(), plain(text)),
            "select" => (element.to_owned(), String::new()),
            _ => continue,
        };
        is_first = element == "select";
        let is_sent = !["radio", "checkbox"].contains(&kind.as_str()) || tag.contains(" checked");
        fields.push(Field { name, value, kind, is_sent });
    }
    fields
}

/// The forms of a page.
fn forms(page: &str, html: &str) -> Vec<Form> {
    let form = |part: &str| {
        let (head, body) = part.split_once('>').unwrap();
        let body = body.split("</form>").next().unwrap();
        let buttons = body.split("<button").filter_map(|tag| attribute(tag.split('>').next().unwrap(), "formaction"));
        Form {
            action: attribute(head, "action").unwrap_or_else(|| page.to_owned()),
            buttons: buttons.collect(),
            is_search: attribute(head, "method").as_deref() != Some("post"),
            fields: fields(body),
        }
    };
    // What ends what is looked at, or leaves the browser without its session.
    let ends = |form: &Form| ["/logout", "/preferences"].iter().any(|end| form.action.ends_with(end));
    html.split("<form").skip(1).map(form).filter(|form| !ends(form)).collect()
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

/// A gateway whose forms have all the fields that there are: HubSpot's app is set up, and there is an n8n.
async fn world() -> World {
    let settings = vec![
        ("PLATFORMS__HUBSPOT__CLIENT_ID", "sandbox-client".to_owned()),
        ("PLATFORMS__HUBSPOT__CLIENT_SECRET", "sandbox-secret".to_owned()),
        ("GATEWAY__PUBLIC_URL", "https://app.example.test".to_owned()),
        ("AUTH__SECURE_COOKIES", "false".to_owned()),
        ("N8N__BASE_URL", "http://127.0.0.1:9".to_owned()),
        ("N8N__SIGNING_SECRET", "a signing secret of thirty-two bytes".to_owned()),
    ];
    let world = World::behind(|_, _| async { Lines { settings, ..Lines::default() } }).await;
    world.wait_for_broker().await;
    world
}

/// Every page with a form into which something is typed that is kept, tried or looked for.
fn pages(home: &str, record: &str) -> Vec<String> {
    vec![
        "/dashboard/login".to_owned(),
        "/dashboard/integrations/new?platform=hubspot".to_owned(),
        "/dashboard/integrations/new?platform=hubspot&by=key".to_owned(),
        "/dashboard/integrations/new?platform=woocommerce".to_owned(),
        "/dashboard/settings".to_owned(),
        format!("{home}/settings"),
        format!("{home}/failures"),
        format!("{home}/fields?kind=deal"),
        format!("{home}/data/{record}"),
    ]
}

#[tokio::test]
async fn no_field_of_any_form_takes_what_nobody_should_type_for_anything_but_text() {
    let world = world().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let record = planted(&world, id.parse().unwrap()).await.to_string();
    blocked(&world, id.parse().unwrap(), refused("PHONE")).await;
    let home = format!("/dashboard/integrations/{id}");
    let mut browser = Browser::of(&world, Role::Admin).await;
    let failures = browser.get(&format!("{home}/failures")).await.html;
    let group = failures.split('"').find(|part| part.starts_with(&format!("{home}/failures/"))).unwrap().to_owned();
    let more = ["/webhooks", "/logs", "/data"].map(|tab| format!("{home}{tab}"));
    let searches = ["/dashboard/integrations".to_owned(), group];
    let mut tried = 0;
    for page in pages(&home, &record).into_iter().chain(more).chain(searches) {
        for form in forms(&page, &browser.get(&page).await.html) {
            for (action, bad) in form.buttons.iter().chain([&form.action]).flat_map(|to| hostile().map(|bad| (to, bad)))
            {
                // All at once, and what the form needs to be found by left as it is.
                let keeps = |name: &str| ["platform", "version", "by"].contains(&name);
                // No client sends an address of more than 65,535 bytes.
                let most = if form.is_search { 40_000 / form.fields.len() } else { usize::MAX };
                let bad: String = bad.chars().take(most).collect();
                let value = |field: &Field| if keeps(&field.name) { field.value.clone() } else { bad.clone() };
                let fields: Vec<_> = form.fields.iter().map(|field| (field.name.as_str(), value(field))).collect();
                let answer = if form.is_search {
                    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
                    browser.get(&format!("{action}?{query}")).await
                } else {
                    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                    browser.submit(&home, action, &fields).await
                };
                let status = answer.status.as_u16();
                assert!(status == 303 || status == 200 || (400..500).contains(&status), "{action} {bad:?}: {answer:?}");
                assert!(!answer.html.contains("<script>alert"), "{action}: {}", answer.html);
                // An address that is too long is not read at all.
                if status != 303 && status != 414 {
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

/// The form of that address that has this field.
fn find(forms: Vec<Form>, action: &str, name: &str) -> Option<Form> {
    forms.into_iter().find(|form| form.action == action && form.fields.iter().any(|field| field.name == name))
}

/// The last row of the mapping editor, which moves up where the empty one above it falls away.
fn last_row(form: &Form) -> Option<&str> {
    let rows = form.fields.iter().rev().find(|field| field.name.starts_with("f."));
    rows.and_then(|field| field.name.rsplit_once('.')).map(|(row, _)| row)
}

#[tokio::test]
async fn what_is_refused_is_marked_and_the_rest_of_its_form_stays_as_it_was() {
    let world = world().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let record = planted(&world, id.parse().unwrap()).await.to_string();
    blocked(&world, id.parse().unwrap(), refused("PHONE")).await;
    let home = format!("/dashboard/integrations/{id}");
    let mut browser = Browser::of(&world, Role::Admin).await;
    let worst = format!("\"><script>alert(1)</script>\u{202e}💥{}", "x".repeat(10_000));
    for page in pages(&home, &record) {
        let mut refusals = 0;
        for known in forms(&page, &browser.get(&page).await.html) {
            let moves = last_row(&known).unwrap_or("-");
            for bad in known.fields.iter().filter(|field| field.is_typed() && !field.name.starts_with(moves)) {
                let at = format!("{page}, {}", bad.name);
                // Anew: a field that takes anything has changed what is there.
                let form = find(forms(&page, &browser.get(&page).await.html), &known.action, &bad.name).unwrap();
                let sent = form.fields.iter().filter(|field| field.is_sent && field.name != bad.name);
                let sent = sent.map(|field| (field.name.as_str(), field.value.as_str()));
                let sent: Vec<_> = sent.chain([(bad.name.as_str(), worst.as_str())]).collect();
                let answer = browser.submit(&home, &form.action, &sent).await;
                assert!(!answer.html.contains("<script>alert"), "{at}: {}", answer.html);
                if [200, 303].contains(&answer.status.as_u16()) {
                    continue;
                }
                assert_eq!(answer.status, 422, "{at}: {answer:?}");
                is_sound(&answer, "fr");
                assert!(answer.html.contains("aria-invalid=\"true\""), "{at}: {}", answer.html);
                let again = find(forms(&page, &answer.html), &form.action, &bad.name).unwrap();
                for other in form.fields.iter().filter(|field| field.is_kept() && field.name != bad.name) {
                    assert!(again.fields.contains(other), "{at}: {other:?} is not in {again:?}");
                }
                refusals += 1;
            }
        }
        assert!(refusals > 0, "nothing is refused on {page}");
    }
    world.stop().await;
}

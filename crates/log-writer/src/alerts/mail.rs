//! What a message looks like: its items, as a mail of text and HTML, and as plain text. The words are `wording`'s.

use askama::Template;
use chrono::{Datelike, NaiveDateTime, Timelike};
use domain::settings::{Language, TimeZone};
use domain::time::Timestamp;
use persistence::incidents::News;
use serde_json::{Value, json};
use url::Url;

use super::news::code;
use super::wording::{self, Words};

/// For whose eyes a message is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader {
    pub(super) language: Language,
    pub(super) zone: TimeZone,
}

/// One trouble, in words.
#[derive(Debug)]
pub(super) struct Item {
    /// What is the matter, in a line.
    pub(super) title: String,
    /// What happened.
    pub(super) what: String,
    /// Since when, and until when.
    pub(super) since: String,
    /// What to do; nothing where it is over.
    pub(super) todo: Option<String>,
    /// Where it is to be done.
    pub(super) link: String,
    /// Whether it is over.
    pub(super) is_over: bool,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Html<'a> {
    lang: &'static str,
    subject: &'a str,
    words: &'static Words,
    items: &'a [Item],
}

#[derive(Template)]
#[template(path = "mail.txt", escape = "none")]
struct Text<'a> {
    words: &'static Words,
    items: &'a [Item],
}

/// The news in the reader's words.
pub(super) fn items<'a>(news: impl IntoIterator<Item = &'a News>, reader: &Reader, dashboard: &Url) -> Vec<Item> {
    let item = |news: &News| {
        let words = wording::of(reader.language);
        let name = news.integration.as_ref().map_or(news.subject.as_str(), |(_, _, name)| name);
        let (title, what, todo) = wording::say(reader.language, news.trigger, (name, &news.detail));
        let at = |at: Timestamp| shown(reader.zone.local(at), reader.language);
        let since = match news.ended_at {
            None => format!("{} {}", words.since, at(news.opened_at)),
            Some(ended) => format!("{} {} {} {}", words.from, at(news.opened_at), words.until, at(ended)),
        };
        let is_over = news.ended_at.is_some();
        Item {
            title: if is_over { format!("{}{title}", words.over) } else { title },
            what: if is_over { words.back.to_owned() } else { what },
            since,
            todo: (!is_over).then_some(todo),
            link: link(dashboard, news),
            is_over,
        }
    };
    news.into_iter().map(item).collect()
}

/// What says that it was only tried out whether this arrives.
pub(super) fn trial(asked_at: Timestamp, reader: &Reader, dashboard: &Url) -> Item {
    let words = wording::of(reader.language);
    Item {
        title: words.trial.to_owned(),
        what: words.trial_what.to_owned(),
        since: format!("{} {}", words.asked, shown(reader.zone.local(asked_at), reader.language)),
        todo: None,
        link: below(dashboard, &["settings"]),
        is_over: false,
    }
}

fn link(dashboard: &Url, news: &News) -> String {
    match &news.integration {
        Some((id, ..)) => below(dashboard, &["integrations", &id.to_string()]),
        None => dashboard.clone().into(),
    }
}

/// A page of the dashboard.
fn below(dashboard: &Url, path: &[&str]) -> String {
    let mut url = dashboard.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push("dashboard").extend(path);
    }
    url.into()
}

/// Subject, text and HTML of a mail.
pub(super) fn content(items: &[Item], language: Language) -> Value {
    let words = wording::of(language);
    let subject = match items {
        [item] => item.title.clone(),
        items => words.many.replace("{}", &items.len().to_string()),
    };
    let text = plain(items, language);
    let html =
        Html { lang: code(language), subject: &subject, words, items }.render().unwrap_or_else(|_| String::new());
    json!({ "subject": subject, "text": text, "html": html })
}

/// The whole as plain text.
pub(super) fn plain(items: &[Item], language: Language) -> String {
    Text { words: wording::of(language), items }.render().unwrap_or_default().trim().to_owned()
}

/// A time as people of that language write it.
fn shown(at: NaiveDateTime, language: Language) -> String {
    let months = wording::of(language).months;
    let month = usize::try_from(at.month0()).ok().and_then(|month| months.get(month)).copied().unwrap_or_default();
    let (day, year, hour, minute) = (at.day(), at.year(), at.hour(), at.minute());
    match language {
        Language::Fr => format!("{day} {month} {year} à {hour:02}:{minute:02}"),
        Language::En => format!("{day} {month} {year}, {hour:02}:{minute:02}"),
    }
}

#[cfg(test)]
mod tests {
    use domain::id::{IncidentId, IntegrationId, TenantId};
    use domain::incident::Trigger;

    use super::*;

    fn news(name: &str, trigger: Trigger, detail: Value) -> News {
        News {
            id: IncidentId::new(),
            tenant: Some(TenantId::new()),
            integration: Some((IntegrationId::new(), "hubspot".parse().unwrap(), name.to_owned())),
            alerts: domain::alert::Alerts::default(),
            subject: String::new(),
            trigger,
            detail,
            opened_at: Timestamp::parse("2026-11-27T12:05:00Z").unwrap(),
            ended_at: None,
            is_known: false,
            last_told_at: None,
        }
    }

    fn read(news: &[News], language: Language) -> Value {
        let reader = Reader { language, zone: TimeZone::default() };
        content(&items(news, &reader, &"https://app.example.com/".parse().unwrap()), language)
    }

    #[test]
    fn a_mail_says_what_happened_since_when_what_to_do_and_where() {
        let detail = json!({ "cause": "l'e-mail <x> est pris", "in_a_row": 5 });
        let failing = news("HubSpot Paris", Trigger::Failing, detail);
        let mail = read(std::slice::from_ref(&failing), Language::Fr);
        let (text, html) = (mail["text"].as_str().unwrap(), mail["html"].as_str().unwrap());
        assert_eq!(mail["subject"], "HubSpot Paris : les synchronisations échouent");
        let link =
            format!("https://app.example.com/dashboard/integrations/{}", failing.integration.as_ref().unwrap().0);
        for part in ["l'e-mail <x> est pris", "Depuis le 27 nov. 2026 à 13:05", &link] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(html.contains("<html lang=\"fr\">") && html.contains(&link) && !html.contains("<x>"), "{html}");
        let ended = News { ended_at: Some(failing.opened_at.plus(std::time::Duration::from_mins(30))), ..failing };
        let mail = read(&[ended], Language::En);
        assert_eq!(mail["subject"], "Resolved: HubSpot Paris: syncs are failing");
        assert!(mail["text"].as_str().unwrap().contains("From 27 Nov 2026, 13:05 to 27 Nov 2026, 13:35"), "{mail}");
    }

    #[test]
    fn a_trial_says_that_it_is_one_and_leads_to_the_settings() {
        let at = Timestamp::parse("2026-11-27T12:05:00Z").unwrap();
        for (language, parts) in [
            (Language::Fr, ["[Essai] ", "aucun incident", "Demandé le 27 nov. 2026 à 13:05."]),
            (Language::En, ["[Trial] ", "no incident", "Asked for on 27 Nov 2026, 13:05."]),
        ] {
            let reader = Reader { language, zone: TimeZone::default() };
            let item = trial(at, &reader, &"https://app.example.com/".parse().unwrap());
            let mail = content(std::slice::from_ref(&item), language);
            assert!(mail["subject"].as_str().unwrap().starts_with(parts[0]), "{mail}");
            let text = mail["text"].as_str().unwrap();
            for part in parts.into_iter().chain(["https://app.example.com/dashboard/settings"]) {
                assert!(text.contains(part), "{part} is not in {text}");
            }
        }
    }

    #[test]
    fn a_digest_holds_every_trouble_in_both_languages() {
        let all: Vec<_> = Trigger::JUDGED
            .into_iter()
            .chain([Trigger::PlatformDown, Trigger::DeadLetters])
            .map(|trigger| news(trigger.as_str(), trigger, json!({ "count": 7, "cause": null })))
            .collect();
        for (language, subject) in
            [(Language::Fr, "8 alertes sur vos intégrations"), (Language::En, "8 alerts about your integrations")]
        {
            let mail = read(&all, language);
            assert_eq!(mail["subject"], subject);
            for news in &all {
                assert!(mail["text"].as_str().unwrap().contains(news.trigger.as_str()), "{news:?}");
                assert!(mail["html"].as_str().unwrap().contains(news.trigger.as_str()), "{news:?}");
            }
        }
    }
}

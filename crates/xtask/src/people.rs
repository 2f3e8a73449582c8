//! French prospects for demos and benchmarks, as events, with the number of people that they really are.
//!
//! Seeded: the same seed gives the same people. How events are sent is not known here.

mod names;
mod phone;

use std::collections::HashSet;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, IteratorRandom as _};
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Map, Value, json};

use self::names::{BETWEEN, CITIES, COMPANIES, FIRST_NAMES, LAST_NAMES, MAIL_DOMAINS, plain};
use self::phone::Phone;

/// The largest batch that the generator makes.
const LARGEST_BATCH: usize = 200;
/// All events happened within the hour before the given time.
const SPAN: TimeDelta = TimeDelta::hours(1);

/// Events about prospects, in the order in which they happened.
#[derive(Debug)]
pub struct Crowd {
    /// `prospect.created` and `prospect.updated`, in the gateway's form.
    pub events: Vec<Value>,
    /// How many different people the events are about.
    pub distinct: usize,
}

#[derive(Clone, Debug)]
struct Person {
    first_name: Option<&'static str>,
    last_name: &'static str,
    email: Option<String>,
    phone: Option<Phone>,
    company: Option<&'static str>,
    city: Option<&'static str>,
}

/// How a person is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    First,
    Repeated,
}

struct Draft {
    kind: &'static str,
    subject: usize,
    data: Map<String, Value>,
}

impl Crowd {
    /// Prospects whose events happened in the hour before `now`.
    ///
    /// Of the prospects, about 8 % have no e-mail, 4 % no phone (never both), and 5 % are people who came before,
    /// under another subject id: with the same e-mail or, if they have none, the same phone in another format.
    /// About 10 % are updated later.
    #[must_use]
    pub fn generate(seed: u64, prospects: usize, now: DateTime<Utc>) -> Self {
        let mut dice = StdRng::seed_from_u64(seed);
        let mut taken = HashSet::new();
        let mut people: Vec<Person> = Vec::new();
        let mut drafts: Vec<Draft> = Vec::new();
        let mut updates: Vec<(usize, Draft)> = Vec::new();
        for subject in 0..prospects {
            let known = if dice.random_bool(0.05) { people.choose(&mut dice).cloned() } else { None };
            let (person, form) = match known {
                Some(person) => (person, Form::Repeated),
                None => {
                    let person = Person::invent(&mut dice, &mut taken);
                    people.push(person.clone());
                    (person, Form::First)
                }
            };
            drafts.push(Draft { kind: "prospect.created", subject, data: person.data(form, &mut dice) });
            if dice.random_bool(0.10) {
                let after = subject.saturating_add(dice.random_range(0..100));
                let data = person.moved(&mut dice).data(form, &mut dice);
                updates.push((after, Draft { kind: "prospect.updated", subject, data }));
            }
            let due = updates.extract_if(.., |(after, _)| *after <= subject);
            drafts.extend(due.map(|(_, draft)| draft));
        }
        drafts.extend(updates.into_iter().map(|(_, draft)| draft));
        Self { events: dated(seed, now, drafts), distinct: people.len() }
    }

    /// The events in batches of 1 to 200, in order; about a third of the batches are single events.
    #[must_use]
    pub fn batches(&self, seed: u64) -> Vec<&[Value]> {
        let mut dice = StdRng::seed_from_u64(seed);
        let mut rest = self.events.as_slice();
        let mut batches = Vec::new();
        while !rest.is_empty() {
            let wish = if dice.random_bool(0.33) { 1 } else { dice.random_range(1..=LARGEST_BATCH) };
            let (batch, left) = rest.split_at_checked(wish).unwrap_or((rest, &[]));
            batches.push(batch);
            rest = left;
        }
        batches
    }
}

impl Person {
    fn invent(dice: &mut StdRng, taken: &mut HashSet<String>) -> Self {
        let first_name = pick(FIRST_NAMES, dice);
        let last_name = pick(LAST_NAMES, dice);
        let lot = dice.random_range(0..100);
        let email = (lot >= 8).then(|| mail(first_name, last_name, dice, taken));
        let phone = (lot < 96).then(|| Phone::invent(dice, taken));
        Self {
            first_name: dice.random_bool(0.97).then_some(first_name),
            last_name,
            email,
            phone,
            company: dice.random_bool(0.4).then(|| pick(COMPANIES, dice)),
            city: dice.random_bool(0.85).then(|| pick(CITIES, dice)),
        }
    }

    /// The same person with another company and city.
    fn moved(&self, dice: &mut StdRng) -> Self {
        Self { company: Some(pick(COMPANIES, dice)), city: Some(pick(CITIES, dice)), ..self.clone() }
    }

    fn data(&self, form: Form, dice: &mut StdRng) -> Map<String, Value> {
        let shout = form == Form::Repeated && dice.random_bool(0.5);
        let email = self.email.as_ref().map(|email| match form {
            // As somebody types it on a phone, which capitalises the first letter.
            Form::Repeated if shout => capitalised(email),
            Form::Repeated | Form::First => email.clone(),
        });
        let fields = [
            ("first_name", self.first_name.map(str::to_owned)),
            ("last_name", Some(if shout { self.last_name.to_uppercase() } else { self.last_name.to_owned() })),
            ("email", email),
            ("phone", self.phone.as_ref().map(|phone| phone.written(dice))),
            ("company", self.company.map(str::to_owned)),
            ("city", self.city.map(str::to_owned)),
        ];
        let present = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))));
        present.collect()
    }
}

fn dated(seed: u64, now: DateTime<Utc>, drafts: Vec<Draft>) -> Vec<Value> {
    let pause = SPAN / i32::try_from(drafts.len()).unwrap_or(i32::MAX).max(1);
    let mut time = now - SPAN;
    let dated = drafts.into_iter().enumerate().map(|(number, Draft { kind, subject, data })| {
        time += pause;
        json!({
            "event_id": format!("evt-{seed}-{number:06}"),
            "type": kind,
            "subject_id": format!("p-{seed}-{subject:06}"),
            "occurred_at": time.to_rfc3339_opts(SecondsFormat::Micros, true),
            "data": data,
        })
    });
    dated.collect()
}

fn mail(first_name: &str, last_name: &str, dice: &mut StdRng, taken: &mut HashSet<String>) -> String {
    let (first, last) = (plain(first_name), plain(last_name));
    let initial: String = first.chars().take(1).collect();
    let local = match dice.random_range(0..4) {
        0 => format!("{initial}.{last}"),
        1 => format!("{last}.{first}"),
        2 => format!("{first}{last}"),
        _ => format!("{first}.{last}"),
    };
    let domain = pick(MAIL_DOMAINS, dice);
    let numbered = (2_u32..).map(|number| format!("{local}{number}@{domain}"));
    let mut candidates = std::iter::once(format!("{local}@{domain}")).chain(numbered);
    candidates.find(|mail| taken.insert(mail.clone())).unwrap_or_default()
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn pick(list: &'static str, dice: &mut StdRng) -> &'static str {
    list.split(BETWEEN).choose(dice).unwrap_or_default()
}

#[cfg(test)]
mod tests;

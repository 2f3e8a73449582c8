//! The parts of the tenant's settings that are lists: the webhooks that are told of trouble, and which system is believed. As
//! fields of a form, and back as the API takes them.

use std::collections::BTreeSet;

use domain::kind::RecordKind;
use domain::policy::{Carried, ConflictPolicy, DeletionRule, Vanished};
use serde_json::{Value, json};

use super::catalogue::kinds;
use super::fields::Fields;
use super::form::word;
use super::text::Message;
use crate::settings::View;

/// Webhooks in the form; a tenant has no more than five.
const HOOKS: usize = 6;

/// What stands where a policy is finer than the form can say.
const AS_IT_IS: &str = "as_it_is";

/// A webhook as it is typed. Its address and secret are never shown again.
#[derive(Clone, Debug, Default)]
pub(super) struct Hook {
    pub(super) name: String,
    pub(super) form: String,
    /// The host of the address that is kept.
    pub(super) host: String,
}

/// Who is believed about a kind of record, and what follows from deletions of it.
#[derive(Debug)]
pub(super) struct Believed {
    pub(super) kind: RecordKind,
    pub(super) title: Message,
    /// The platform that goes first; empty where the latest change does.
    pub(super) first: String,
    pub(super) is_finer: bool,
    pub(super) carried: String,
    pub(super) vanished: String,
}

impl Hook {
    /// The webhooks that are there.
    pub(super) fn kept(view: &View) -> Vec<Self> {
        let hooks = view.alert_webhooks.iter();
        hooks.map(|it| Self { name: it.name.clone(), form: word(it.form), host: it.host.clone() }).collect()
    }

    /// The webhooks that were typed, without those that are empty or were taken out.
    pub(super) fn typed(fields: &Fields, view: &View) -> Vec<Self> {
        let hosts = |name: &str| view.alert_webhooks.iter().find(|it| it.name == name).map(|it| it.host.clone());
        let there = places(fields).map(|at| {
            let name = fields.get(&format!("hook.{at}.name")).trim().to_owned();
            let host = hosts(&name).unwrap_or_default();
            Self { form: fields.get(&format!("hook.{at}.form")).to_owned(), name, host }
        });
        there.collect()
    }
}

fn places(fields: &Fields) -> impl Iterator<Item = usize> {
    (0..HOOKS).filter(|at| {
        let given = ["name", "url"].iter().any(|name| fields.given(&format!("hook.{at}.{name}")).is_some());
        given && !fields.has(&format!("hook.{at}.remove"))
    })
}

/// The webhooks as the API takes them; those that are there, where the form shows none.
pub(super) fn hooks(fields: &Fields, view: &View) -> Value {
    if !fields.has("hook.0.name") {
        let kept = view.alert_webhooks.iter().map(|it| json!({ "name": it.name, "form": it.form }));
        return kept.collect();
    }
    let hook = |at: usize| {
        let of = |name: &str| fields.given(&format!("hook.{at}.{name}"));
        let mut hook = json!({ "name": of("name").unwrap_or_default(), "form": of("form").unwrap_or("signed") });
        for name in ["url", "secret"] {
            if let (Some(value), Some(members)) = (of(name), hook.as_object_mut()) {
                members.insert(name.to_owned(), value.into());
            }
        }
        hook
    };
    places(fields).map(hook).collect()
}

impl Believed {
    /// What is set, or typed, kind by kind.
    pub(super) fn all(fields: &Fields, policy: &ConflictPolicy) -> Vec<Self> {
        RecordKind::ALL.into_iter().map(|kind| Self::of(fields, policy, kind)).collect()
    }

    fn of(fields: &Fields, policy: &ConflictPolicy, kind: RecordKind) -> Self {
        let rule = policy.rules.iter().find(|rule| rule.kind == kind && rule.field.is_none());
        let ranking: &[_] = rule.map_or(&[], |rule| &rule.ranking);
        let is_finer = ranking.len() > 1;
        let known =
            if is_finer { AS_IT_IS.to_owned() } else { ranking.first().map(ToString::to_string).unwrap_or_default() };
        let ends = policy.deletions.iter().find(|rule| rule.kind == kind).copied();
        let DeletionRule { carried, vanished, .. } = ends.unwrap_or_else(|| no_rule(kind));
        let typed = |name: &str, known: String| {
            let name = format!("{name}.{kind}");
            if fields.has(&name) { fields.get(&name).to_owned() } else { known }
        };
        Self {
            kind,
            title: kinds(kind),
            first: typed("policy", known),
            is_finer,
            carried: typed("deletions", word(carried)),
            vanished: typed("vanished", word(vanished)),
        }
    }

    /// Whether a platform is chosen.
    pub(super) fn is(&self, platform: &str) -> bool {
        self.first == platform
    }
}

/// What follows from deletions of a kind of which nothing was said.
fn no_rule(kind: RecordKind) -> DeletionRule {
    DeletionRule { kind, carried: Carried::default(), vanished: Vanished::default() }
}

/// The policy as the API takes it. Rules about single fields are not shown, and stay.
pub(super) fn policy(fields: &Fields, before: &ConflictPolicy) -> Value {
    if !fields.has("policy.contact") {
        return json!(before);
    }
    let believed = Believed::all(fields, before);
    let stays = |kind: RecordKind| believed.iter().any(|it| it.kind == kind && it.is(AS_IT_IS));
    let kept = before.rules.iter().filter(|rule| rule.field.is_some() || stays(rule.kind)).map(|rule| json!(rule));
    let chosen = believed.iter().filter(|it| !it.is("") && !it.is(AS_IT_IS));
    let rules = kept.chain(chosen.map(|it| json!({ "kind": it.kind, "ranking": [it.first] })));
    let says = |it: &&Believed| {
        (it.carried.as_str(), it.vanished.as_str()) != (&word(Carried::default()), &word(Vanished::default()))
    };
    let ends = believed.iter().filter(says);
    let deletions = ends.map(|it| json!({ "kind": it.kind, "carried": it.carried, "vanished": it.vanished }));
    json!({ "rules": rules.collect::<Vec<_>>(), "deletions": deletions.collect::<Vec<_>>() })
}

/// The platforms that can be believed: those that are connected, and those that are believed already.
pub(super) fn systems(connected: impl Iterator<Item = String>, policy: &ConflictPolicy) -> BTreeSet<String> {
    let known = policy.rules.iter().flat_map(|rule| &rule.ranking).map(ToString::to_string);
    connected.chain(known).chain(["coccinelle".to_owned()]).collect()
}

//! Which of two systems is believed where they disagree. When a value loses is `record`'s; this only ranks who said it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::InputFault;
use crate::field::FieldName;
use crate::integration::Direction;
use crate::kind::RecordKind;
use crate::platform::PlatformSlug;
use crate::schema;

/// Rules of one policy at most.
const RULES_LIMIT: usize = 100;

/// Systems in one ranking at most.
const RANKING_LIMIT: usize = 32;

/// How a tenant wants disagreements between systems decided. Without a rule for a field, the latest change wins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConflictPolicy {
    /// One for a kind of record, or for one field of it, at most; the field's own goes before the kind's.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub rules: Vec<ConflictRule>,
    /// What follows from deletions, for the kinds where that is not what follows without a rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 5)]
    pub deletions: Vec<DeletionRule>,
}

/// What follows from deletions of a kind: of a record here, and of its counterpart on a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeletionRule {
    /// Of which kind of record.
    pub kind: RecordKind,
    /// Whose deletions of the record are carried to the other systems.
    #[serde(default)]
    pub carried: Carried,
    /// What follows where a platform no longer has the record's counterpart.
    #[serde(default)]
    pub vanished: Vanished,
}

/// Whose deletions are carried on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CarriedDeletions)]
pub enum Carried {
    /// What Coccinelle deletes is deleted everywhere; what one platform deletes stays on the others.
    #[default]
    Coccinelles,
    /// What anybody deletes is deleted everywhere.
    Everybodys,
    /// Nothing is deleted anywhere but where somebody deletes it.
    Nobodys,
}

/// What follows where a read has shown that a platform no longer has an object that stood for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Vanished {
    /// The record is deleted here, too, where the kind is read from the platform; else the object is created anew.
    #[default]
    Follow,
    /// The object is looked for, and created anew where it is not there, if the kind is written at all. A second time within a
    /// day only where somebody says so.
    Recreate,
    /// The record stays as it is, and nothing more is written for it there.
    Unlink,
}

/// How disagreements about one field, or all fields of a kind, are decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConflictRule {
    /// Of which kind of record.
    pub kind: RecordKind,
    /// About which field; all of the kind without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<FieldName>,
    /// Systems by the names of their platforms, the most believed first; `coccinelle` is Coccinelle itself. A value of one
    /// stands against every value of those behind it and of those that are not named, however new. Empty: the latest wins.
    #[schema(max_items = 32, example = json!(["hubspot", "coccinelle"]))]
    pub ranking: Vec<PlatformSlug>,
}

impl ConflictPolicy {
    /// Finds everything in it that cannot be applied; `path` is where it stands in the request.
    ///
    /// # Errors
    /// Every fault with its path.
    pub fn check(&self, path: &str) -> Result<(), Vec<InputFault>> {
        let mut faults = Vec::new();
        let mut fault = |place: String, message: &str| {
            faults.push(InputFault { path: format!("{path}.rules{place}"), message: message.to_owned() });
        };
        if self.rules.len() > RULES_LIMIT {
            fault(String::new(), "must be at most 100 rules");
        }
        let mut told = BTreeSet::new();
        for (index, rule) in self.rules.iter().enumerate().take(RULES_LIMIT) {
            let field = rule.field.as_ref();
            if field.is_some_and(|field| schema::find(rule.kind, field.as_str()).is_none()) {
                fault(format!("[{index}].field"), "is not a field of this kind of record");
            }
            if !told.insert((rule.kind, field)) {
                fault(format!("[{index}]"), "says of the same as another rule");
            }
            if rule.ranking.len() > RANKING_LIMIT {
                fault(format!("[{index}].ranking"), "must be at most 32 systems");
            }
            if rule.ranking.iter().collect::<BTreeSet<_>>().len() < rule.ranking.len() {
                fault(format!("[{index}].ranking"), "names a system twice");
            }
        }
        let mut told = BTreeSet::new();
        for (index, rule) in self.deletions.iter().enumerate() {
            if !told.insert(rule.kind) {
                let path = format!("{path}.deletions[{index}]");
                faults.push(InputFault { path, message: "says of the same as another rule".to_owned() });
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Whether a deletion is carried to the other systems; `is_ours` where Coccinelle made it.
    #[must_use]
    pub fn carries_deletion(&self, kind: RecordKind, is_ours: bool) -> bool {
        let rule = self.deletions.iter().find(|rule| rule.kind == kind);
        match rule.map_or_else(Carried::default, |rule| rule.carried) {
            Carried::Coccinelles => is_ours,
            Carried::Everybodys => true,
            Carried::Nobodys => false,
        }
    }

    /// What follows where a platform no longer has an object of a kind, which flows this way.
    #[must_use]
    pub fn vanished(&self, kind: RecordKind, direction: Direction) -> Vanished {
        let rule = self.deletions.iter().find(|rule| rule.kind == kind);
        match rule.map_or_else(Vanished::default, |rule| rule.vanished) {
            Vanished::Follow if !direction.reads() => Vanished::Recreate,
            Vanished::Recreate if !direction.writes() => Vanished::Follow,
            chosen @ (Vanished::Follow | Vanished::Recreate | Vanished::Unlink) => chosen,
        }
    }

    /// The ranks of one system's values of a kind.
    #[must_use]
    pub fn ranks(&self, kind: RecordKind, system: &PlatformSlug) -> Ranks {
        let mut ranks = Ranks::LATEST_WINS;
        for rule in self.rules.iter().filter(|rule| rule.kind == kind) {
            match &rule.field {
                Some(field) => {
                    ranks.fields.insert(field.clone(), rule.rank(system));
                }
                None => ranks.others = rule.rank(system),
            }
        }
        ranks
    }
}

impl ConflictRule {
    /// The more believed, the higher; 0 for who is not named.
    fn rank(&self, system: &PlatformSlug) -> u16 {
        let place = self.ranking.iter().take(RANKING_LIMIT).rev().position(|ranked| ranked == system);
        place.and_then(|place| u16::try_from(place + 1).ok()).unwrap_or(0)
    }
}

/// The ranks of one system's values, field by field; a record's own stamps carry them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranks {
    fields: BTreeMap<FieldName, u16>,
    others: u16,
}

impl Ranks {
    /// All alike, so that the time decides.
    pub const LATEST_WINS: Self = Self { fields: BTreeMap::new(), others: 0 };

    /// The rank of this system's values of a field.
    ///
    /// Whether a record exists, and whose it is, is nobody's to rule: there the latest wins always.
    #[must_use]
    pub fn of(&self, field: &str) -> u16 {
        if field == FieldName::DELETED || field == FieldName::CONTACT {
            return 0;
        }
        self.fields.get(field).copied().unwrap_or(self.others)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy(rules: serde_json::Value) -> ConflictPolicy {
        serde_json::from_value(json!({ "rules": rules })).unwrap()
    }

    fn slug(name: &str) -> PlatformSlug {
        name.parse().unwrap()
    }

    #[test]
    fn who_is_named_first_ranks_highest_and_who_is_not_named_lowest() {
        let policy = policy(json!([{"kind": "contact", "field": "phone", "ranking": ["hubspot", "coccinelle"]}]));
        let rank = |system: &str| policy.ranks(RecordKind::Contact, &slug(system)).of("phone");
        assert_eq!([rank("hubspot"), rank("coccinelle"), rank("shopify")], [2, 1, 0]);
        assert_eq!(policy.ranks(RecordKind::Contact, &slug("hubspot")).of("email"), 0);
        assert_eq!(policy.ranks(RecordKind::Deal, &slug("hubspot")).of("phone"), 0);
    }

    #[test]
    fn a_fields_own_rule_goes_before_its_kinds() {
        let policy = policy(json!([
            {"kind": "contact", "field": "phone", "ranking": []},
            {"kind": "contact", "ranking": ["hubspot"]},
        ]));
        let ranks = policy.ranks(RecordKind::Contact, &slug("hubspot"));
        assert_eq!([ranks.of("email"), ranks.of("phone")], [1, 0]);
    }

    #[test]
    fn whether_a_record_exists_and_whose_it_is_stays_with_the_latest() {
        let policy = policy(json!([{"kind": "deal", "ranking": ["hubspot"]}]));
        let ranks = policy.ranks(RecordKind::Deal, &slug("hubspot"));
        assert_eq!([ranks.of(FieldName::DELETED), ranks.of(FieldName::CONTACT)], [0, 0]);
    }

    #[test]
    fn every_rule_that_cannot_be_applied_is_named_by_its_path() {
        let policy = policy(json!([
            {"kind": "contact", "field": "amount", "ranking": []},
            {"kind": "deal", "ranking": ["hubspot", "hubspot"]},
            {"kind": "deal", "ranking": []},
        ]));
        let faults = policy.check("conflict_policy").unwrap_err();
        let paths: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
        let rules = ["[0].field", "[1].ranking", "[2]"].map(|place| format!("conflict_policy.rules{place}"));
        assert_eq!(paths, rules);
    }

    #[test]
    fn no_policy_is_a_good_policy() {
        let none: ConflictPolicy = serde_json::from_value(json!({})).unwrap();
        assert_eq!(none.check("conflict_policy"), Ok(()));
        assert_eq!(none.ranks(RecordKind::Contact, &slug("hubspot")), Ranks::LATEST_WINS);
    }

    #[test]
    fn a_deletion_is_carried_by_what_the_tenant_says_of_its_kind() {
        let policy: ConflictPolicy = serde_json::from_value(json!({ "deletions": [
            {"kind": "contact", "carried": "everybodys"}, {"kind": "deal", "carried": "nobodys"},
        ]}))
        .unwrap();
        assert_eq!(policy.check("conflict_policy"), Ok(()));
        let carried = |kind| [true, false].map(|is_ours| policy.carries_deletion(kind, is_ours));
        assert_eq!(carried(RecordKind::Contact), [true, true]);
        assert_eq!(carried(RecordKind::Deal), [false, false]);
        assert_eq!(carried(RecordKind::Activity), [true, false]);
        let rule = DeletionRule { kind: RecordKind::Deal, carried: Carried::Nobodys, vanished: Vanished::Follow };
        let twice = [rule; 2].to_vec();
        let faults = ConflictPolicy { deletions: twice, ..policy }.check("conflict_policy").unwrap_err();
        assert_eq!(faults[0].path, "conflict_policy.deletions[1]");
    }

    #[test]
    fn what_vanishes_is_followed_where_it_is_read_and_made_anew_where_it_is_only_written() {
        let policy: ConflictPolicy = serde_json::from_value(json!({ "deletions": [
            {"kind": "contact", "vanished": "recreate"}, {"kind": "deal", "vanished": "unlink"},
        ]}))
        .unwrap();
        let ways = [Direction::Bidirectional, Direction::ToPlatform, Direction::FromPlatform];
        let vanished = |kind| ways.map(|way| policy.vanished(kind, way));
        assert_eq!(vanished(RecordKind::Contact), [Vanished::Recreate, Vanished::Recreate, Vanished::Follow]);
        assert_eq!(vanished(RecordKind::Deal), [Vanished::Unlink; 3]);
        assert_eq!(vanished(RecordKind::Activity), [Vanished::Follow, Vanished::Recreate, Vanished::Follow]);
    }
}

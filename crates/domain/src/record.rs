//! A record and the merge that makes it converge. How a change gets its stamp is said in `event` and `link`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::field::{FieldName, FieldValue};
use crate::id::{IntegrationId, RecordId, TenantId};
use crate::kind::RecordKind;
use crate::time::Timestamp;

/// When and from where a value came: what decides between two values of a field.
///
/// The order of the fields is the order of the comparison; the value itself is the last resort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// The system's rank under the tenant's policy; 0 where the latest wins.
    #[serde(rename = "r", default, skip_serializing_if = "is_zero")]
    pub rank: u16,
    /// When the value became so.
    #[serde(rename = "t")]
    pub at: Timestamp,
    /// The integration it came by; Coccinelle's backend has one too.
    #[serde(rename = "o")]
    pub origin: IntegrationId,
}

fn is_zero(rank: &u16) -> bool {
    *rank == 0
}

/// A value and its stamp, ordered by the stamp first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct Stamped {
    /// When and from where.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// What.
    #[serde(rename = "v")]
    pub value: FieldValue,
}

/// How a stamped value is written down: the stamp's fields beside the value. Read as one struct, since serde copies whatever it
/// flattens before it reads it.
#[derive(Deserialize)]
struct Written {
    #[serde(rename = "r", default)]
    rank: u16,
    #[serde(rename = "t")]
    at: Timestamp,
    #[serde(rename = "o")]
    origin: IntegrationId,
    #[serde(rename = "v")]
    value: FieldValue,
}

impl From<Written> for Stamped {
    fn from(Written { rank, at, origin, value }: Written) -> Self {
        Self { stamp: Stamp { rank, at, origin }, value }
    }
}

/// A map from field to stamped value: a record's content, or a change to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(BTreeMap<FieldName, Stamped>);

/// What a merge did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Fields whose value is another one now.
    pub changed: Vec<FieldName>,
    /// Whether anything moved at all, a stamp included.
    pub touched: bool,
    /// Non-empty values that lost against a different one.
    pub lost: Vec<Lost>,
}

/// A value that lost against another of the same field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The field.
    pub field: FieldName,
    /// What lost.
    pub lost: Stamped,
    /// What it lost against.
    pub kept: Stamped,
}

impl Lost {
    /// Whether two systems disagreed, rather than one having changed what it `knew`; `writer` is whose change it was.
    #[must_use]
    pub fn is_disagreement(&self, writer: IntegrationId, knew: &BTreeSet<FieldName>) -> bool {
        let follows = self.kept.stamp.origin == writer && knew.contains(&self.field);
        self.lost.stamp.origin != self.kept.stamp.origin && !follows
    }
}

impl Fields {
    /// Merges `change` into these fields: each field keeps the greater of both by (rank, time, origin, value).
    ///
    /// Commutative, associative and idempotent, so that order and repetition do not matter.
    pub fn merge(&mut self, change: &Self) -> Merged {
        let mut merged = Merged::default();
        for (name, incoming) in &change.0 {
            let Some(present) = self.0.get_mut(name) else {
                self.0.insert(name.clone(), incoming.clone());
                merged.touched = true;
                if !incoming.value.is_null() {
                    merged.changed.push(name.clone());
                }
                continue;
            };
            let differs = present.value != incoming.value;
            let lost = if *incoming > *present {
                merged.touched = true;
                if differs {
                    merged.changed.push(name.clone());
                }
                std::mem::replace(present, incoming.clone())
            } else {
                incoming.clone()
            };
            if differs && !lost.value.is_null() {
                merged.lost.push(Lost { field: name.clone(), lost, kept: present.clone() });
            }
        }
        merged
    }

    /// Gives every stamp the rank that its origin has by now.
    ///
    /// Ranks follow from the origin alone, so that a tenant who changes its mind is not bound by what it thought before.
    pub fn rerank(&mut self, rank: impl Fn(&FieldName, IntegrationId) -> u16) {
        for (name, stamped) in &mut self.0 {
            stamped.stamp.rank = rank(name, stamped.stamp.origin);
        }
    }

    /// Sets one field to a stamped value, whatever was there: for building a change, not for merging.
    pub fn set(&mut self, name: FieldName, value: FieldValue, stamp: Stamp) {
        self.0.insert(name, Stamped { stamp, value });
    }

    /// The stamped value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Stamped> {
        self.0.get(name)
    }

    /// The value of a field; `None` where nothing was ever said of it.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&FieldValue> {
        self.0.get(name).map(|stamped| &stamped.value)
    }

    /// The fields in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&FieldName, &Stamped)> {
        self.0.iter()
    }

    /// Whether nothing is said of any field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the record is marked as deleted.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.value(FieldName::DELETED) == Some(&FieldValue::Bool(true))
    }

    /// The contact that this deal or activity belongs to.
    #[must_use]
    pub fn contact(&self) -> Option<RecordId> {
        self.value(FieldName::CONTACT)?.as_text()?.parse().ok()
    }
}

/// Coccinelle's copy of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its id.
    pub id: RecordId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// What it is.
    pub kind: RecordKind,
    /// What is known of it.
    pub fields: Fields,
    /// Counts the changes of any value; a link that has synced this version is in step.
    pub version: i64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn origin(n: u8) -> IntegrationId {
        format!("int_{n:026}").parse().unwrap()
    }

    prop_compose! {
        fn stamped()(rank in 0u16..3, micros in 0i64..4, from in 0u8..3, value in 0u8..4) -> Stamped {
            let value = if value == 0 { FieldValue::Null } else { FieldValue::text(format!("v{value}")) };
            Stamped { stamp: Stamp { rank, at: Timestamp::from_millis(micros).unwrap(), origin: origin(from) }, value }
        }
    }

    fn fields() -> impl Strategy<Value = Fields> {
        prop::collection::btree_map("[a-c]".prop_map(|name| FieldName::new(&name)), stamped(), 0..4).prop_map(Fields)
    }

    fn merged(mut into: Fields, change: &Fields) -> Fields {
        into.merge(change);
        into
    }

    proptest! {
        #[test]
        fn merge_is_commutative(a in fields(), b in fields()) {
            prop_assert_eq!(merged(a.clone(), &b), merged(b, &a));
        }

        #[test]
        fn merge_is_associative(a in fields(), b in fields(), c in fields()) {
            prop_assert_eq!(merged(merged(a.clone(), &b), &c), merged(a, &merged(b, &c)));
        }

        #[test]
        fn merge_is_idempotent(a in fields(), b in fields()) {
            let once = merged(a, &b);
            let mut twice = once.clone();
            prop_assert_eq!(twice.merge(&b).changed, Vec::<FieldName>::new());
            prop_assert_eq!(twice, once);
        }

        #[test]
        fn promise_4_any_order_and_any_duplication_of_changes_ends_in_the_same_record(
            (changes, shuffled) in prop::collection::vec(fields(), 1..6).prop_flat_map(|changes| {
                let repeated: Vec<Fields> = changes.iter().chain(&changes).cloned().collect();
                (Just(changes), Just(repeated).prop_shuffle())
            })
        ) {
            let in_order = changes.iter().fold(Fields::default(), merged);
            let out_of_order = shuffled.iter().fold(Fields::default(), merged);
            prop_assert_eq!(in_order, out_of_order);
        }

        #[test]
        fn ranked_by_one_policy_any_order_ends_in_the_same_record_and_in_a_value_of_the_most_believed(
            (changes, shuffled) in prop::collection::vec(fields(), 1..6)
                .prop_flat_map(|changes| (Just(changes.clone()), Just(changes).prop_shuffle())),
            ranks in prop::array::uniform3(0u16..3),
        ) {
            let rank = |_: &FieldName, from: IntegrationId| (0..3).find(|n| origin(*n) == from).map_or(0, |n| ranks[usize::from(n)]);
            // Whatever rank a stamp was given before, the record is ranked anew before each merge, as is the change.
            let merge = |mut record: Fields, change: &Fields| {
                let mut change = change.clone();
                change.rerank(rank);
                record.rerank(rank);
                merged(record, &change)
            };
            let record = changes.iter().fold(Fields::default(), merge);
            prop_assert_eq!(&record, &shuffled.iter().fold(Fields::default(), merge));
            for (name, kept) in record.iter() {
                let said = changes.iter().filter_map(|change| change.get(name.as_str()));
                let highest = said.map(|said| rank(name, said.stamp.origin)).max();
                prop_assert_eq!(Some(kept.stamp.rank), highest);
            }
        }

        #[test]
        fn survives_json(a in fields()) {
            let json = serde_json::to_string(&a).unwrap();
            prop_assert_eq!(serde_json::from_str::<Fields>(&json).unwrap(), a);
        }
    }

    #[test]
    fn a_stamped_value_is_one_flat_object() {
        let (at, origin) = (Timestamp::from_millis(1_000).unwrap(), origin(1));
        let ranked = serde_json::json!({"r": 2, "t": at, "o": origin, "v": "x"});
        let unranked = serde_json::json!({"t": at, "o": origin, "v": ["x"]});
        for (rank, value, json) in
            [(2, FieldValue::text("x"), ranked), (0, FieldValue::List(vec!["x".to_owned()]), unranked)]
        {
            let stamped = Stamped { stamp: Stamp { rank, at, origin }, value };
            assert_eq!(serde_json::to_value(&stamped).unwrap(), json);
            assert_eq!(serde_json::from_value::<Stamped>(json).unwrap(), stamped);
        }
    }

    #[test]
    fn the_loser_of_a_merge_is_named_whichever_side_it_was_on() {
        let older = Stamp { rank: 0, at: Timestamp::from_millis(1).unwrap(), origin: origin(1) };
        let newer = Stamp { rank: 0, at: Timestamp::from_millis(2).unwrap(), origin: origin(1) };
        let name = FieldName::new("phone");
        let (mut old, mut new) = (Fields::default(), Fields::default());
        old.set(name.clone(), FieldValue::text("old"), older);
        new.set(name.clone(), FieldValue::text("new"), newer);

        let (lost, kept) = (old.get("phone").cloned().unwrap(), new.get("phone").cloned().unwrap());
        let lost = vec![Lost { field: name, lost, kept }];
        assert_eq!(old.clone().merge(&new).lost, lost);
        assert_eq!(new.merge(&old).lost, lost);
    }
}

//! Who is next, where several wait: whoever had least while it waited. What is handed out, and how much at once, is not known here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Those who wait, and what each has had. Nothing is saved up: whoever comes anew begins where the others are.
#[derive(Debug)]
pub(super) struct Rounds<K, V> {
    waiting: BTreeMap<K, VecDeque<(u64, V)>>,
    /// Who has had how much; of those who had as much, who waits for longer.
    order: BTreeSet<(u64, u64, K)>,
    /// What those have had who do not wait just now, as long as that is more than the others.
    ahead: BTreeMap<K, u64>,
    /// What whoever had had least had had by then.
    floor: u64,
    arrivals: u64,
}

impl<K, V> Default for Rounds<K, V> {
    fn default() -> Self {
        let (waiting, order, ahead) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        Self { waiting, order, ahead, floor: 0, arrivals: 0 }
    }
}

impl<K: Ord + Clone, V> Rounds<K, V> {
    /// Lets somebody wait for something of this cost, behind what it waits for already.
    pub(super) fn push(&mut self, key: K, cost: u64, value: V) {
        let queue = self.waiting.entry(key.clone()).or_default();
        queue.push_back((cost.max(1), value));
        if queue.len() == 1 {
            let had = self.ahead.remove(&key).unwrap_or_default().max(self.floor);
            self.enter(had, key);
        }
    }

    /// Hands out what is next among those who may have more.
    pub(super) fn next(&mut self, may: impl Fn(&K) -> bool) -> Option<(K, V)> {
        // Also where that one may have no more just now: nobody who comes anew begins beyond it.
        self.floor = self.order.first()?.0;
        let place = self.order.iter().find(|(.., key)| may(key))?.clone();
        self.order.remove(&place);
        let (had, _, key) = place;
        let queue = self.waiting.get_mut(&key)?;
        let (cost, value) = queue.pop_front()?;
        let has = had.saturating_add(cost);
        if queue.is_empty() {
            self.waiting.remove(&key);
            self.ahead.insert(key.clone(), has);
        } else {
            self.enter(has, key.clone());
        }
        self.ahead.retain(|_, had| *had > self.floor);
        Some((key, value))
    }

    fn enter(&mut self, had: u64, key: K) {
        self.arrivals = self.arrivals.wrapping_add(1);
        self.order.insert((had, self.arrivals, key));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The most that anything costs.
    const QUANTUM: u64 = 100;

    fn backlogs() -> impl Strategy<Value = Vec<Vec<u64>>> {
        prop::collection::vec(prop::collection::vec(1..=QUANTUM, 1..60), 1..8)
    }

    proptest! {
        #[test]
        fn nobody_gets_more_than_its_share_and_one_quantum_while_others_wait(backlogs in backlogs()) {
            let mut rounds = Rounds::default();
            for (key, costs) in backlogs.iter().enumerate() {
                costs.iter().for_each(|cost| rounds.push(key, *cost, *cost));
            }
            let mut left: Vec<usize> = backlogs.iter().map(Vec::len).collect();
            let mut had = vec![0; backlogs.len()];
            while let Some((key, cost)) = rounds.next(|_| true) {
                had[key] += cost;
                let others: Vec<u64> =
                    left.iter().zip(&had).enumerate().filter(|(other, (left, _))| *other == key || **left > 0)
                        .map(|(_, (_, had))| *had).collect();
                let share = others.iter().sum::<u64>() / u64::try_from(others.len()).unwrap();
                prop_assert!(had[key] <= share + QUANTUM, "{} of {:?}", had[key], others);
                left[key] -= 1;
            }
            prop_assert!(left.iter().all(|left| *left == 0), "somebody was forgotten: {:?}", left);
        }

        #[test]
        fn nobody_waits_while_another_gets_more_than_two_quanta(
            steps in prop::collection::vec((0usize..6, 1..=QUANTUM, any::<bool>()), 1..400),
        ) {
            let mut rounds = Rounds::default();
            // What each got since each other one waits for what it waits for.
            let mut since = vec![vec![0; 6]; 6];
            let mut waiting = [0usize; 6];
            for (key, cost, takes) in steps {
                rounds.push(key, cost, cost);
                waiting[key] += 1;
                if !takes { continue }
                let Some((got, cost)) = rounds.next(|_| true) else { continue };
                waiting[got] -= 1;
                since[got] = vec![0; 6];
                for other in (0..6).filter(|other| *other != got) {
                    if waiting[other] > 0 {
                        since[other][got] += cost;
                        prop_assert!(since[other][got] <= 2 * QUANTUM, "{other} waits while {got} is given {:?}", since);
                    } else {
                        since[other] = vec![0; 6];
                    }
                }
            }
        }
    }

    #[test]
    fn whoever_may_have_no_more_just_now_keeps_its_place_and_nobody_else_waiting() {
        let mut rounds = Rounds::default();
        rounds.push("many", 100, 0);
        rounds.push("few", 1, 1);
        assert_eq!(rounds.next(|key| *key != "many"), Some(("few", 1)));
        assert_eq!(rounds.next(|key| *key != "many"), None);
        rounds.push("few", 1, 2);
        assert_eq!([rounds.next(|_| true), rounds.next(|_| true)], [Some(("many", 0)), Some(("few", 2))]);
    }

    #[test]
    fn whoever_asks_again_and_again_does_not_overtake_whoever_waits() {
        let mut rounds = Rounds::default();
        (0..3).for_each(|n| rounds.push("few", 1, n));
        rounds.push("many", 100, 0);
        let mut order = Vec::new();
        while let Some((key, _)) = rounds.next(|_| true) {
            order.push(key);
            if key == "many" && order.len() < 4 {
                rounds.push("many", 100, 0);
            }
        }
        assert_eq!(order, ["few", "many", "few", "few", "many"]);
    }
}

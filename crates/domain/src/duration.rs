//! How long things took, counted in buckets that add up: from them come percentiles with a known error. No clocks.

/// Buckets of a [`Histogram`]: four that hold one millisecond each, then four an octave up to half an hour.
pub const BUCKETS: usize = 80;

/// The octave in which buckets begin to be wider than a millisecond's fraction: 2² to 2³.
const FIRST_OCTAVE: u32 = 2;

/// How many took how long. Two are added bucket by bucket, in any order, so counts of any part of a time add up to those
/// of the whole.
///
/// A percentile read from it is off by an eighth of itself at most; up to 7 ms it is exact, and beyond half an hour it is
/// half an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram(Vec<i64>);

impl Default for Histogram {
    fn default() -> Self {
        Self(vec![0; BUCKETS])
    }
}

impl Histogram {
    /// From the counts of its buckets; missing ones count nothing, more than there are count as the last.
    #[must_use]
    pub fn from_counts(counts: &[i64]) -> Self {
        let mut all = Self::default();
        for (index, count) in counts.iter().enumerate() {
            all.count(index, *count);
        }
        all
    }

    /// The counts of its buckets.
    #[must_use]
    pub fn counts(&self) -> &[i64] {
        &self.0
    }

    /// Counts one that took so many milliseconds.
    pub fn add(&mut self, millis: u32) {
        self.count(bucket_of(millis), 1);
    }

    fn count(&mut self, index: usize, count: i64) {
        if let Some(bucket) = self.0.get_mut(index.min(BUCKETS - 1)) {
            *bucket = bucket.saturating_add(count);
        }
    }

    /// How many were counted.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.0.iter().sum()
    }

    /// So many milliseconds, or less, took `percent` of all (0 to 100); `None` where none was counted.
    #[must_use]
    pub fn percentile(&self, percent: u32) -> Option<u32> {
        let total = self.total();
        // The rank of the nearest: the smallest count that is `percent` of all at least.
        let rank = (total.saturating_mul(i64::from(percent.min(100))) + 99) / 100;
        let rank = rank.max(1);
        let mut below = 0;
        let found = self.0.iter().position(|count| {
            below += count;
            below >= rank
        });
        found.filter(|_| total > 0).map(middle_of)
    }
}

fn bucket_of(millis: u32) -> usize {
    let octave = millis.checked_ilog2().unwrap_or(0);
    if octave < FIRST_OCTAVE {
        return usize::try_from(millis).unwrap_or(0);
    }
    let quarter = (millis >> (octave - FIRST_OCTAVE)) & 3;
    let bucket = 4 + (octave - FIRST_OCTAVE) * 4 + quarter;
    usize::try_from(bucket).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

fn middle_of(bucket: usize) -> u32 {
    let bucket = u32::try_from(bucket).unwrap_or(u32::MAX);
    let Some(beyond) = bucket.checked_sub(4) else { return bucket };
    let (octave, quarter) = (beyond / 4, beyond % 4);
    let width = 1_u32.checked_shl(octave).unwrap_or(u32::MAX);
    (4 + quarter).saturating_mul(width).saturating_add((width - 1) / 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[u32]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|value| histogram.add(*value));
        histogram
    }

    #[test]
    fn small_ones_are_exact_and_nothing_is_nothing() {
        assert_eq!(of(&[]).percentile(50), None);
        for millis in 0..8 {
            assert_eq!(of(&[millis]).percentile(50), Some(millis));
        }
        assert_eq!(of(&[1, 2, 3, 7]).percentile(50), Some(2));
        assert_eq!(of(&[u32::MAX]).total(), 1);
    }

    proptest! {
        #[test]
        fn a_percentile_is_off_by_an_eighth_at_most(
            mut values in proptest::collection::vec(0_u32..2_000_000, 1..200),
            percent in 1_u32..=100,
        ) {
            values.sort_unstable();
            let rank = (values.len() * usize::try_from(percent).unwrap()).div_ceil(100).max(1);
            let exact = i64::from(values[rank - 1]);
            let told = i64::from(of(&values).percentile(percent).unwrap());
            prop_assert!((told - exact).abs() * 8 <= exact, "{told} for {exact}");
        }

        #[test]
        fn parts_add_up_to_the_whole(values in proptest::collection::vec(0_u32..2_000_000, 0..50), cut in 0_usize..50) {
            let (one, other) = values.split_at(cut.min(values.len()));
            let sum: Vec<i64> = of(one).counts().iter().zip(of(other).counts()).map(|(a, b)| a + b).collect();
            prop_assert_eq!(Histogram::from_counts(&sum), of(&values));
        }
    }
}

//! The request budget of an account: a bucket, and what of it is whose. Where it is kept, and what a platform allows, is not
//! known here.

use std::time::Duration;

/// What comes in while a back-fill waits is kept for it to this share.
const BACK_FILL_SHARE: f64 = 0.2;

/// How fast a bucket fills, and how much it holds. In any window `w` at most `burst + rate · w` requests are granted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Requests a second; more than 0.
    pub per_second: f64,
    /// Requests that an untouched bucket holds; at least 1, and with less than 2 nothing can be kept for either.
    pub burst: u32,
}

/// For what a request is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It happens now.
    Live,
    /// It is caught up with, and nobody waits for it.
    BackFill,
}

/// What became of a wish for requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// So many requests may be sent; at least 1.
    Granted(u32),
    /// None; ask again after this.
    Wait(Duration),
}

/// A bucket as it was left, and for how long it has been left so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// The requests in it.
    pub tokens: f64,
    /// Seconds since then.
    pub idle: f64,
    /// Seconds for which a back-fill has waited; `None` where none does.
    pub back_fill_waited: Option<f64>,
}

impl Rate {
    /// What is held for each side against the other: half of the bucket.
    ///
    /// Back-fills leave so much to live work, which finds it at once, and nothing kept for a back-fill grows beyond it.
    fn half(self) -> f64 {
        f64::from(self.burst / 2)
    }

    /// At most half a second's worth is granted at once, and always 1, so that one replica does not starve the others.
    fn slice(self) -> f64 {
        (self.per_second / 2.0).floor().max(1.0)
    }
}

impl Bucket {
    /// One that nobody has taken from.
    #[must_use]
    pub fn full(rate: Rate) -> Self {
        Self { tokens: f64::from(rate.burst), idle: 0.0, back_fill_waited: None }
    }

    /// Takes up to `wanted` requests.
    ///
    /// Neither starves: back-fills get what live work leaves, since the bucket fills up to their reserve only once, and a fifth
    /// of all where it leaves nothing. Whoever is sent away is told when there will be one, unless somebody else takes it.
    pub fn take(&mut self, purpose: Purpose, wanted: u32, rate: Rate) -> Lease {
        let came_in = rate.per_second * self.idle.max(0.0);
        self.tokens = (self.tokens + came_in).min(f64::from(rate.burst.max(1)));
        self.idle = 0.0;
        let share = rate.per_second * BACK_FILL_SHARE;
        let kept = self.back_fill_waited.map_or(0.0, |waited| (share * waited.max(0.0)).min(rate.half()));
        let rest = self.back_fill_waited.map_or(rate.per_second, |_waited| rate.per_second - share);
        let (free, wait) = match purpose {
            Purpose::Live => (self.tokens - kept, (1.0 + kept - self.tokens) / rest),
            Purpose::BackFill => {
                let (over, kept) = (self.tokens - rate.half(), kept.min(self.tokens));
                let until_kept = if rate.half() < 1.0 { f64::INFINITY } else { (1.0 - kept) / share };
                (over.max(kept), ((1.0 - over) / rate.per_second).min(until_kept))
            }
        };
        let most = wanted.clamp(1, rate.burst.max(1));
        let granted = (1..=most).rev().find(|requests| f64::from(*requests) <= free.min(rate.slice()));
        if purpose == Purpose::BackFill {
            let waited = self.back_fill_waited.unwrap_or_default();
            self.back_fill_waited = granted.is_none().then_some(waited);
        }
        let Some(granted) = granted else {
            return Lease::Wait(Duration::try_from_secs_f64(wait.max(0.001)).unwrap_or(Duration::MAX));
        };
        self.tokens -= f64::from(granted);
        Lease::Granted(granted)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STEP: f64 = 0.01;

    fn rates() -> impl Strategy<Value = Rate> {
        (0.5_f64..50.0, 2_u32..20).prop_map(|(per_second, burst)| Rate { per_second, burst })
    }

    /// Who asks again and again, or only when told to.
    #[derive(Clone, Copy, Debug)]
    struct Asker {
        purpose: Purpose,
        is_patient: bool,
        next: f64,
        granted: f64,
    }

    impl Asker {
        fn new(purpose: Purpose, is_patient: bool) -> Self {
            Self { purpose, is_patient, next: 0.0, granted: 0.0 }
        }

        fn ask(&mut self, bucket: &mut Bucket, now: f64, rate: Rate) {
            if self.is_patient && now < self.next {
                return;
            }
            match bucket.take(self.purpose, u32::MAX, rate) {
                Lease::Granted(requests) => self.granted += f64::from(requests),
                Lease::Wait(wait) => self.next = now + wait.as_secs_f64(),
            }
        }
    }

    /// What each was granted of all that came in for a hundred requests' time, asking in this order.
    fn shares<const N: usize>(rate: Rate, mut askers: [Asker; N]) -> [f64; N] {
        let (step, mut bucket) = (STEP / rate.per_second, Bucket::full(rate));
        let steps = 20_000_u32;
        for turn in 0..steps {
            bucket.idle += step;
            bucket.back_fill_waited = bucket.back_fill_waited.map(|waited| waited + step);
            askers.iter_mut().for_each(|asker| asker.ask(&mut bucket, f64::from(turn) * step, rate));
        }
        let came_in = f64::from(steps) * STEP;
        askers.map(|asker| asker.granted / came_in)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_window_sees_more_than_the_burst_and_the_rate(
            rate in rates(),
            asked in prop::collection::vec((0.0_f64..2.0, any::<bool>(), 1_u32..30), 1..60),
        ) {
            let (mut bucket, mut now, mut granted) = (Bucket::full(rate), 0.0, Vec::new());
            for (pause, is_live, wanted) in asked {
                let pause = pause / rate.per_second;
                now += pause;
                bucket.idle += pause;
                bucket.back_fill_waited = bucket.back_fill_waited.map(|waited| waited + pause);
                let purpose = if is_live { Purpose::Live } else { Purpose::BackFill };
                if let Lease::Granted(requests) = bucket.take(purpose, wanted, rate) {
                    granted.push((now, f64::from(requests)));
                }
            }
            for (at, (from, _)) in granted.iter().enumerate() {
                let mut sum = 0.0;
                for (until, requests) in granted.iter().skip(at) {
                    sum += requests;
                    prop_assert!(sum <= f64::from(rate.burst) + rate.per_second * (until - from) + 1e-6);
                }
            }
        }

        #[test]
        fn neither_starves_however_often_the_other_asks(rate in rates()) {
            let (live, back_fill) = (|patient| Asker::new(Purpose::Live, patient), |patient| Asker::new(Purpose::BackFill, patient));
            for (greedy, patient) in [(live(false), back_fill(true)), (back_fill(false), live(true))] {
                let least = if patient.purpose == Purpose::Live { 0.75 } else { 0.18 };
                let [_, got] = shares(rate, [greedy, patient]);
                prop_assert!(got >= least, "{patient:?} got {got} beside one who asks all the time");
            }
        }

        #[test]
        fn whoever_is_alone_gets_everything_whatever_the_other_left_waiting(rate in rates(), waits in any::<bool>()) {
            for purpose in [Purpose::Live, Purpose::BackFill] {
                let [got] = shares(rate, [Asker::new(purpose, true)]);
                prop_assert!(got >= 0.9, "{purpose:?} got {got}");
            }
            // A back-fill that was cancelled while it waited never comes to fetch what was kept.
            let mut bucket = Bucket { back_fill_waited: waits.then_some(1e9), ..Bucket::full(rate) };
            prop_assert_eq!(bucket.take(Purpose::Live, 1, rate), Lease::Granted(1));
        }
    }
}

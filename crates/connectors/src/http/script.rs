//! Answers that come from no platform, for `crates/fuzz`. They are there only when all is built for that.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Response;

/// Whoever asks more often for one thing asks without an end; an answer may name some hundred objects, each of which is asked for.
const MOST: usize = 10_000;

/// An answer, as it would come over the network.
#[derive(Clone, Debug)]
pub struct Given {
    /// The HTTP status.
    pub status: u16,
    /// Names and values; what can be no header is none.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What is answered, one after the other. The last goes on being answered.
#[derive(Clone, Debug)]
pub struct Script {
    answers: Arc<[Given]>,
    asked: Arc<AtomicUsize>,
}

impl Script {
    /// One that stands at its beginning.
    #[must_use]
    pub fn new(answers: &[Given]) -> Self {
        Self { answers: answers.into(), asked: Arc::default() }
    }

    /// The next answer; nothing where there is none at all.
    pub(super) fn answer(&self) -> Response {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        assert!(asked < MOST, "it goes on asking");
        let mut answer = ::http::Response::new(Vec::new());
        if let Some(given) = self.answers.get(asked).or(self.answers.last()) {
            *answer.status_mut() = ::http::StatusCode::from_u16(given.status).unwrap_or_default();
            for (name, value) in &given.headers {
                let header = (name.parse::<::http::HeaderName>(), value.parse::<::http::HeaderValue>());
                if let (Ok(name), Ok(value)) = header {
                    answer.headers_mut().append(name, value);
                }
            }
            answer.body_mut().clone_from(&given.body);
        }
        answer.into()
    }
}

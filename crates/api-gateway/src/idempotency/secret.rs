//! Answers that hold a new secret: what is kept of them is when it was made. Its handler opens it again for a repetition.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse};
use domain::time::Timestamp;
use persistence::idempotency::Reply;

/// Under which name it is kept among the headers of an answer, where it is never sent.
pub(super) const NAME: &str = "secret-made-at";

/// When the secret of an answer was made: left by its handler with the answer, and given to it with a repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MadeAt(pub(crate) Timestamp);

impl MadeAt {
    /// The answer with the secret, of which no more than this is kept.
    pub(crate) fn mark(self, mut answer: HttpResponse) -> HttpResponse {
        answer.extensions_mut().insert(self);
        answer
    }
}

impl FromRequest for MadeAt {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let repeated = request.extensions().get::<Self>().copied();
        ready(repeated.ok_or_else(|| runtime::http::Problem::not_found().into()))
    }
}

/// When the secret was made of an answer that is kept without it.
pub(super) fn made_at(reply: &Reply) -> Option<MadeAt> {
    reply.headers.get(NAME).and_then(|at| Timestamp::parse(at)).map(MadeAt)
}

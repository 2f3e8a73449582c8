//! The account in whose name a request comes, as a stand-in's gate found it. How it is found is each gate's.

use std::{
    future::{Ready, ready},
    ops::Deref,
    sync::Arc,
};

use actix_web::{
    Error, FromRequest, HttpMessage, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::ErrorInternalServerError,
    middleware::Next,
};

/// The account in whose name a request comes.
#[derive(Debug)]
pub(crate) struct Caller<A>(pub(crate) Arc<A>);

impl<A> Clone for Caller<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A> Deref for Caller<A> {
    type Target = A;

    fn deref(&self) -> &A {
        &self.0
    }
}

impl<A: 'static> FromRequest for Caller<A> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let passed = request.extensions().get::<Self>().cloned();
        ready(passed.ok_or_else(|| ErrorInternalServerError("this route stands outside its gate")))
    }
}

/// The answer of the handler behind a gate, who finds the caller in the request, or the refusal with which the gate stays shut.
pub(crate) async fn answer<C: 'static, B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
    caller: C,
    refusal: Option<HttpResponse>,
) -> Result<ServiceResponse, Error> {
    if let Some(refusal) = refusal {
        return Ok(request.into_response(refusal));
    }
    request.extensions_mut().insert(caller);
    Ok(next.call(request).await?.map_into_boxed_body())
}

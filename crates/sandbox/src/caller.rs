//! The account in whose name a request comes, as a stand-in's gate found it. How it is found is each gate's.

use std::{
    future::{Ready, ready},
    ops::Deref,
    sync::Arc,
};

use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, dev::Payload, error::ErrorInternalServerError};

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

//! What a form sends: its fields by name, as they were typed. What they may hold is the API's to say.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use runtime::http::Problem;
use serde_json::{Map, Value};
use url::form_urlencoded;

/// The field in which every form of a session shows its token.
pub(super) const CSRF: &str = "csrf";

/// The fields of a form, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a body as forms send it.
    pub(super) fn read(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// A form that holds these before anybody has typed something.
    pub(super) fn of(fields: &[(&str, &str)]) -> Self {
        Self(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// The field of that name as it was typed; empty where there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Has a field hold this and nothing else.
    pub(super) fn set(&mut self, name: &str, value: String) {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value));
    }

    /// Whether a box was ticked.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// The field without the spaces around it; `None` where nothing was typed.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        Some(self.get(name).trim()).filter(|value| !value.is_empty())
    }

    /// The lines that were typed into a field, without the spaces around them; empty ones left out.
    pub(super) fn lines(&self, name: &str) -> Vec<&str> {
        self.get(name).lines().map(str::trim).filter(|line| !line.is_empty()).collect()
    }

    /// The fields of these names as a query, leaving out those where nothing was typed.
    pub(super) fn query(&self, names: &[&str]) -> String {
        let given = names.iter().filter_map(|name| Some((*name, self.given(name)?)));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish()
    }

    /// The fields of these names as the members of a JSON object, leaving out those where nothing was typed: what a handler
    /// of the API would have been sent.
    pub(super) fn object(&self, names: &[&str]) -> Map<String, Value> {
        let given = names.iter().filter_map(|name| Some(((*name).to_owned(), self.given(name)?.into())));
        given.collect()
    }
}

impl FromRequest for Fields {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // The gate has read them: it needs the session's token.
        ready(Ok(request.extensions().get::<Self>().cloned().unwrap_or_default()))
    }
}

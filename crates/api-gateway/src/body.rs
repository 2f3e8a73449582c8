//! Reading what a request carries: its body within the limit, JSON with the path of every fault, ids and queries.

use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::{FromRequest, HttpRequest, web};
use domain::event::InputFault;
use runtime::http::Problem;
use serde::de::DeserializeOwned;

use crate::refusal::Refusal;
use crate::state::Gateway;

/// A body within the limit of `web::PayloadConfig`, not yet looked into.
#[derive(Debug)]
pub(crate) struct Body(pub(crate) web::Bytes);

impl Body {
    /// What is sent, where it has at most so many bytes.
    pub(crate) async fn within(limit: usize, sent: web::Payload) -> Result<Self, Problem> {
        match sent.to_bytes_limited(limit).await {
            Ok(Ok(bytes)) => Ok(Self(bytes)),
            Ok(Err(_broken_off)) => Err(Refusal::Truncated.into()),
            Err(_larger) => Err(Refusal::TooLarge(limit).into()),
        }
    }
}

impl FromRequest for Body {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = request.app_data::<web::Data<Gateway>>().map_or(0, |gateway| gateway.limits.body_limit);
        let bytes = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            bytes.await.map(Self).map_err(|error| match error.as_error::<PayloadError>() {
                Some(PayloadError::Overflow) => Refusal::TooLarge(limit).into(),
                Some(_) | None => Refusal::Truncated.into(),
            })
        })
    }
}

/// A JSON body of type `T`, which names its fields and denies all others.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = Body::from_request(request, payload);
        Box::pin(async move { Ok(Self(parse(&body.await?.0)?)) })
    }
}

/// A JSON body of which everything may be left out, and so the body as well.
#[derive(Debug)]
pub(crate) struct JsonIfAny<T>(pub(crate) T);

impl<T: DeserializeOwned + 'static> FromRequest for JsonIfAny<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = Body::from_request(request, payload);
        Box::pin(async move {
            let body = body.await?.0;
            // Nothing, in either way of saying it.
            let said = match &*body {
                b"" | b"null" => b"{}".as_slice(),
                said => said,
            };
            Ok(Self(parse(said)?))
        })
    }
}

/// The parameters of the query, of which `T` denies those that it does not name.
#[derive(Debug)]
pub(crate) struct QueryParams<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest for QueryParams<T> {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(parse_query(request.query_string()).map(Self).map_err(Problem::from))
    }
}

/// Reads parameters as if they had come as the query of a request.
pub(crate) fn parse_query<T: DeserializeOwned>(query: &str) -> Result<T, Refusal> {
    let pairs = serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let fault = fault(&error.path().to_string(), &error.inner().to_string());
        // What is twice there, say, is nobody's in particular.
        let path = if fault.path.is_empty() { "query".to_owned() } else { fault.path };
        Refusal::Faulty(vec![InputFault { path, ..fault }])
    })
}

/// The id in the path; one that cannot be an id of this type names nothing, and so is not found.
#[derive(Debug)]
pub(crate) struct Id<T>(pub(crate) T);

impl<T: FromStr> FromRequest for Id<T> {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").and_then(|id| id.parse().ok());
        std::future::ready(id.map(Self).ok_or_else(|| Problem::from(Refusal::NotFound)))
    }
}

/// The two ids in the path, the outer one first; where one cannot be an id of its type, nothing is found.
#[derive(Debug)]
pub(crate) struct Ids<A, B>(pub(crate) A, pub(crate) B);

impl<A: FromStr, B: FromStr> FromRequest for Ids<A, B> {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // Decoded by the extractor: not every name is an id of ours.
        let texts = web::Path::<(String, String)>::extract(request).into_inner().ok().map(web::Path::into_inner);
        let ids = texts.and_then(|(outer, inner)| outer.parse().ok().zip(inner.parse().ok()));
        std::future::ready(ids.map(|(outer, inner)| Self(outer, inner)).ok_or_else(|| Refusal::NotFound.into()))
    }
}

/// Reads JSON as if it had come as the body of a request.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            Refusal::Faulty(vec![fault(&path, &inner.to_string())])
        } else {
            Refusal::Malformed(inner)
        }
    })?;
    deserializer.end().map_err(Refusal::Malformed)?;
    Ok(value)
}

fn fault(path: &str, said: &str) -> InputFault {
    let path = if path == "." { "" } else { path };
    // A key of a map that is none has no name of its own.
    let path = path.strip_suffix(".?").unwrap_or(path);
    let missing = said.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    let path = match (path, missing) {
        (path, None) => path.to_owned(),
        ("", Some(name)) => name.to_owned(),
        (path, Some(name)) => format!("{path}.{name}"),
    };
    InputFault { path, message: without_values(said) }
}

/// What serde says, without the values that it quotes: one of them may be a secret in the wrong place.
fn without_values(said: &str) -> String {
    let said = said.rsplit_once(" at line ").map_or(said, |(said, _)| said);
    if said.starts_with("missing field") {
        "is missing".to_owned()
    } else if said.starts_with("unknown field") {
        "is not known here".to_owned()
    } else if let Some((_, expected)) = said.rsplit_once(", expected ") {
        format!("must be {expected}")
    } else {
        "is not valid".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read matters")]
    struct Outer {
        name: String,
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read matters")]
    struct Inner {
        key: String,
    }

    fn verdict(body: &str) -> (String, String) {
        let refused = parse::<Outer>(body.as_bytes()).unwrap_err();
        if let Refusal::Faulty(faults) = refused {
            return (faults[0].path.clone(), faults[0].message.clone());
        }
        assert!(matches!(refused, Refusal::Malformed(_)), "{refused}");
        ("-".to_owned(), "malformed".to_owned())
    }

    #[test]
    fn tells_where_and_what() {
        let cases = [
            (r#"{"name": "a"}"#, ("inner", "is missing")),
            (r#"{"name": "a", "inner": {}}"#, ("inner.key", "is missing")),
            (r#"{"name": "a", "inner": {"key": 3}}"#, ("inner.key", "must be a string")),
            (r#"{"name": "a", "inner": {"key": "k", "kee": 1}}"#, ("inner.kee", "is not known here")),
            (r#"{"nom": "a"}"#, ("nom", "is not known here")),
            ("{", ("-", "malformed")),
            (r#"{"name": "a", "inner": {"key": "k"}} x"#, ("-", "malformed")),
        ];
        for (body, (path, message)) in cases {
            assert_eq!(verdict(body), (path.to_owned(), message.to_owned()), "{body}");
        }
    }

    #[test]
    fn tells_which_parameter_cannot_be_used() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only whether it can be read matters")]
        struct Wanted {
            kind: Option<domain::kind::RecordKind>,
            limit: Option<u32>,
        }
        for (query, path, message) in [
            ("kind=xyz", "kind", "must be one of `contact`, `deal`, `product`, `order`, `activity`"),
            ("limit=many", "limit", "is not valid"),
            ("colour=red", "colour", "is not known here"),
        ] {
            let Refusal::Faulty(faults) = parse_query::<Wanted>(query).unwrap_err() else { panic!("{query}") };
            assert_eq!((faults[0].path.as_str(), faults[0].message.as_str()), (path, message), "{query}");
        }
    }

    #[test]
    fn never_quotes_a_value() {
        let (path, message) = verdict(r#"{"name": "a", "inner": "pat-eu1-secret"}"#);
        assert_eq!(path, "inner");
        assert!(!message.contains("secret"), "{message}");
    }
}

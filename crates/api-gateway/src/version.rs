//! Versions of what is configured, as `ETag` and `If-Match` speak of them. Comparing and setting is each statement's.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::IF_MATCH;
use actix_web::{FromRequest, HttpRequest};
use runtime::http::Problem;

/// The version that a caller has seen and wants to replace: a strong tag, as in `"7"`.
///
/// Without one a request is refused with 428; one that cannot be a version of ours is of no version, which is 412.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IfMatch(pub(crate) i64);

/// The same where a caller may leave it out, and so takes whatever version there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IfMatchGiven(pub(crate) Option<i64>);

/// The version as an `ETag`.
pub(crate) fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(seen(request))
    }
}

impl FromRequest for IfMatchGiven {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let is_given = request.headers().contains_key(IF_MATCH);
        ready(if is_given { seen(request).map(|IfMatch(version)| Self(Some(version))) } else { Ok(Self(None)) })
    }
}

fn seen(request: &HttpRequest) -> Result<IfMatch, Problem> {
    let header = request.headers().get(IF_MATCH).ok_or_else(Problem::precondition_required)?;
    let tag = header.to_str().ok().and_then(|text| text.trim().strip_prefix('"')?.strip_suffix('"'));
    let version = tag.and_then(|tag| tag.parse().ok()).filter(|version| *version >= 0);
    version.map(IfMatch).ok_or_else(Problem::version_mismatch)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn verdict(header: Option<&str>) -> Result<i64, &'static str> {
        let mut request = TestRequest::default();
        if let Some(header) = header {
            request = request.insert_header((IF_MATCH, header));
        }
        seen(&request.to_http_request()).map(|seen| seen.0).map_err(|problem| problem.code())
    }

    #[test]
    fn reads_its_own_tags_and_takes_no_other_for_a_version() {
        assert_eq!(verdict(Some(&etag(7))), Ok(7));
        assert_eq!(verdict(None), Err("precondition_required"));
        for other in ["*", "7", "W/\"7\"", "\"x\"", "\"-1\"", "\"1\", \"2\"", "\"", ""] {
            assert_eq!(verdict(Some(other)), Err("version_mismatch"), "{other}");
        }
    }
}

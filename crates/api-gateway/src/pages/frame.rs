//! What stands around every page, and the answer that it makes: the navigation, the reader, what a browser may load.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERER, REFERRER_POLICY, VARY};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use askama::Template;
use domain::access::Role;
use domain::id::TenantId;
use persistence::{Transaction, settings};
use runtime::http::Problem;
use url::Url;

use super::consented::Ended;
use super::reader::{Reader, Theme};
use super::said::Said;
use super::text::frame as m;
use super::{asset, fields, text};
use crate::auth::Viewer;

/// What a page may load: what we serve. Nothing is written into the page, neither script nor style.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    worker-src 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/// Where in the navigation a page stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    /// Among the integrations.
    Integrations,
    /// The activity of all.
    Activity,
    /// The tenant's settings.
    Settings,
    /// Nowhere.
    None,
}

/// Somebody who may look at pages.
#[derive(Debug)]
pub(super) struct Visit {
    /// For which tenant.
    pub(super) tenant_id: TenantId,
    /// In which language, and so on.
    pub(super) reader: Reader,
    /// What is said of what was just done.
    pub(super) said: Option<Said>,
    /// How a consent ended, where one did just now.
    pub(super) consent: Option<Ended>,
    sub: String,
    may_change: bool,
    csrf: String,
    path: String,
}

impl FromRequest for Visit {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let viewer = Viewer::from_request(request, payload).into_inner().map(|viewer| viewer.identity);
        ready(viewer.map(|viewer| Self {
            tenant_id: viewer.tenant_id,
            reader: Reader::of(request),
            said: Said::of_query(request.query_string()),
            consent: Ended::of_query(request.query_string()),
            sub: viewer.sub,
            may_change: viewer.roles.contains(&Role::Admin),
            csrf: viewer.session.map(|session| session.csrf_token).unwrap_or_default(),
            path: path_of(request),
        }))
    }
}

impl Visit {
    /// The same visit, of a page that has this address: a form's own address may show the page and lead nowhere by itself.
    pub(super) fn at(self, path: impl Into<String>) -> Self {
        Self { path: path.into(), ..self }
    }

    /// Whether they may change something.
    pub(super) fn may_change(&self) -> bool {
        self.may_change
    }

    /// The frame of a page that bears this title. Where the browser has not told its time zone, the tenant's counts.
    pub(super) async fn frame(
        &self,
        tx: &mut Transaction,
        section: Section,
        title: impl Into<String>,
    ) -> Result<Frame, Problem> {
        let mut reader = self.reader;
        if reader.zone.is_none() {
            reader.zone = settings::get(tx, self.tenant_id).await?.time_zone.name().parse().ok();
        }
        Ok(Frame {
            reader,
            title: title.into(),
            section,
            sub: Some(self.sub.clone()),
            may_change: self.may_change,
            csrf: self.csrf.clone(),
            path: self.path.clone(),
        })
    }
}

/// What stands around a page. It speaks as its reader does.
#[derive(Debug)]
pub(super) struct Frame {
    reader: Reader,
    /// The name of the page.
    pub(super) title: String,
    section: Section,
    pub(super) sub: Option<String>,
    /// Whether the reader may change something.
    pub(super) may_change: bool,
    pub(super) csrf: String,
    /// Where the page is found again: where a change of language leads back to, and what is asked for by live parts.
    pub(super) path: String,
}

impl Deref for Frame {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl Frame {
    /// The frame of a page that anybody may see.
    pub(super) fn open(request: &HttpRequest, title: text::Message) -> Self {
        let reader = Reader::of(request);
        Self {
            title: reader.say(title),
            reader,
            section: Section::None,
            sub: None,
            may_change: false,
            csrf: String::new(),
            path: path_of(request),
        }
    }

    /// The places of the navigation: address, name, icon, and whether the page stands there.
    pub(super) fn places(&self) -> Vec<(&'static str, text::Message, &'static str, bool)> {
        vec![
            ("/dashboard/integrations", m::INTEGRATIONS, "plug", self.section == Section::Integrations),
            ("/dashboard/activity", m::ACTIVITY, "pulse", self.section == Section::Activity),
            ("/dashboard/settings", m::SETTINGS, "sliders", self.section == Section::Settings),
            ("/docs/", m::DOCUMENTATION, "book", false),
        ]
    }

    pub(super) fn themes(&self) -> [(&'static str, text::Message, bool); 3] {
        Theme::ALL.map(|theme| {
            let name = match theme {
                Theme::Auto => m::AUTO,
                Theme::Light => m::LIGHT,
                Theme::Dark => m::DARK,
            };
            (theme.as_str(), name, theme == self.reader.theme)
        })
    }

    pub(super) fn theme_name(&self) -> &'static str {
        self.reader.theme.as_str()
    }

    /// Where a file of ours is.
    pub(super) fn asset(&self, name: &str) -> String {
        asset::path(name)
    }

    pub(super) fn version(&self) -> &'static str {
        asset::version()
    }

    pub(super) fn csrf_name(&self) -> &'static str {
        fields::CSRF
    }

    /// The answer that shows a page.
    pub(super) fn answer(&self, status: StatusCode, page: &impl Template) -> Result<HttpResponse, Problem> {
        let html = page.render().map_err(|error| {
            tracing::error!(%error, "a page was not rendered");
            Problem::internal()
        })?;
        let mut answer = HttpResponse::build(status);
        answer
            .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
            .insert_header((CONTENT_SECURITY_POLICY, POLICY))
            // Without it, a browser would not say where its forms come from.
            .insert_header((REFERRER_POLICY, "same-origin"))
            .insert_header((VARY, "Accept-Language, Cookie"));
        Ok(answer.body(html))
    }

    /// The answer of a page where all went well.
    pub(super) fn show(&self, page: &impl Template) -> Result<HttpResponse, Problem> {
        self.answer(StatusCode::OK, page)
    }
}

fn path_of(request: &HttpRequest) -> String {
    let uri = request.uri();
    if request.method().is_safe() {
        uri.path_and_query().map_or_else(|| uri.path().to_owned(), ToString::to_string)
    } else {
        // Most forms are sent to the page that holds them. Who shows a page at an address of a form's own says [`Visit::at`].
        uri.path().to_owned()
    }
}

/// The page of ours that a form was sent from, as the browser says; that of all integrations, where it says none.
pub(super) fn came_from(request: &HttpRequest) -> String {
    let referer = request.headers().get(REFERER).and_then(|value| value.to_str().ok());
    let path = referer.and_then(|referer| Url::parse(referer).ok()).map(|page| match page.query() {
        Some(query) => format!("{}?{query}", page.path()),
        None => page.path().to_owned(),
    });
    own_path(&path.unwrap_or_default())
}

/// A place of our own to go back to; the integrations, where the text names none.
pub(super) fn own_path(wanted: &str) -> String {
    let is_own = wanted.starts_with("/dashboard")
        && wanted.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && !wanted.contains("//");
    if is_own { wanted.to_owned() } else { "/dashboard/integrations".to_owned() }
}

/// Where pages lead back to, as the browser says where it was and as a field does: for `crate::fuzzing`.
#[cfg(fuzzing)]
pub(crate) fn ways_back(request: &HttpRequest, wanted: &str) -> [String; 2] {
    [came_from(request), own_path(wanted)]
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_page_without_an_address_of_its_own_leads_back_to_where_its_form_was() {
        let came = |referer: &str| came_from(&TestRequest::post().insert_header((REFERER, referer)).to_http_request());
        assert_eq!(came("https://app.example/dashboard/activity?period=7d#x"), "/dashboard/activity?period=7d");
        for other in ["https://evil.example/", "https://app.example/api/v1/x", "/dashboard/activity", "about:blank"] {
            assert_eq!(came(other), "/dashboard/integrations", "{other}");
        }
        assert_eq!(came_from(&TestRequest::post().to_http_request()), "/dashboard/integrations");
    }

    #[test]
    fn nobody_is_led_away_from_here() {
        assert_eq!(own_path("/dashboard/activity?period=7d"), "/dashboard/activity?period=7d");
        for other in
            ["", "https://evil.example", "//evil.example", "/\\evil.example", "/dashboard//x", "/dashboard\r\nx"]
        {
            assert_eq!(own_path(other), "/dashboard/integrations", "{other:?}");
        }
    }
}

//! The files that pages are made of beside their HTML: embedded, named by their content, cached for good.

use std::hash::{DefaultHasher, Hasher as _};
use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, get};
use runtime::http::Problem;

/// A file.
struct File {
    name: &'static str,
    form: &'static str,
    bytes: &'static [u8],
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Every file.
const FILES: [File; 5] = [
    File { name: "app.css", form: "text/css; charset=utf-8", bytes: include_bytes!("../../assets/app.css") },
    File { name: "tokens.css", form: "text/css; charset=utf-8", bytes: include_bytes!("../../assets/tokens.css") },
    File { name: "app.js", form: SCRIPT, bytes: include_bytes!("../../assets/app.js") },
    File { name: "live.js", form: SCRIPT, bytes: include_bytes!("../../assets/live.js") },
    File { name: "icon.svg", form: "image/svg+xml", bytes: include_bytes!("../../assets/icon.svg") },
];

/// The page's own worker; it lies above the assets, since it may only serve what lies beside it.
const WORKER: &str = include_str!("../../assets/worker.js");

/// The worker fetches under the policy of its own answer, not of the page that began it.
const WORKER_POLICY: &str = "default-src 'none'; connect-src 'self'";

/// Changes with any of the files, and with nothing else.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    for file in FILES {
        hasher.write(file.name.as_bytes());
        hasher.write(file.bytes);
    }
    format!("{:016x}", hasher.finish())
});

/// Which version of the files this program holds.
pub(super) fn version() -> &'static str {
    &VERSION
}

/// Where a file is.
pub(super) fn path(name: &str) -> String {
    format!("/dashboard/assets/{}/{name}", version())
}

/// The files, below `/dashboard/assets`.
pub(super) fn files(routes: &mut ServiceConfig) {
    routes.service(show_file);
}

#[get("/{version}/{name}")]
async fn show_file(path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (version, name) = path.into_inner();
    let file = FILES.into_iter().find(|file| file.name == name).ok_or_else(Problem::not_found)?;
    // While a new version is rolled out, its pages may ask an old program: it gives what it has, and that is not kept.
    let lasting = if version == self::version() { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut answer = HttpResponse::Ok();
    answer.insert_header((CONTENT_TYPE, file.form)).insert_header((CACHE_CONTROL, lasting));
    Ok(answer.body(file.bytes))
}

#[get("/dashboard/worker.js")]
pub(super) async fn worker() -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    answer.insert_header((CONTENT_TYPE, SCRIPT)).insert_header((CACHE_CONTROL, "no-cache"));
    answer.insert_header((CONTENT_SECURITY_POLICY, WORKER_POLICY));
    answer.body(WORKER)
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_moves_for_who_asked_that_nothing_does() {
        let (style, tokens) = (include_str!("../../assets/app.css"), include_str!("../../assets/tokens.css"));
        let (_, still) = tokens.split_once("@media (prefers-reduced-motion: reduce)").unwrap();
        assert!(still.trim_start().starts_with("{\n  :root { --quick: 0ms; }"), "{still}");
        for moved in style.split("transition: ").skip(1) {
            let moved = moved.split([';', '}']).next().unwrap();
            assert!(moved.split(", ").all(|one| one.ends_with(" var(--quick)")), "{moved}");
        }
        assert_eq!(style.matches("animation: none").count() * 2, style.matches("animation: ").count());
    }
}

//! Addresses of pages that people see on a platform's own site. Addresses that programs call are made where they are called.

use url::Url;

/// The page at a path below a site; `None` where the site is none that a browser can be sent to.
pub(crate) fn page(site: &str, path: &[&str]) -> Option<Url> {
    let mut page = Url::parse(site).ok().filter(|site| matches!(site.scheme(), "https" | "http"))?;
    page.path_segments_mut().ok()?.pop_if_empty().extend(path);
    Some(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_one_step_of_the_path_and_no_other_scheme_is_led_to() {
        let led = page("https://shop.example/fr/", &["wp-admin", "a/../b?c#d"]).unwrap();
        assert_eq!(led.as_str(), "https://shop.example/fr/wp-admin/a%2F..%2Fb%3Fc%23d");
        assert!(page("javascript:alert(1)", &["x"]).is_none() && page("no address", &[]).is_none());
    }
}

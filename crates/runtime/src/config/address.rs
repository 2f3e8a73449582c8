//! The address of a platform, in which the name of the tenant's own site may have a place. What a name may be is `connectors`'.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use url::Url;

/// What stands for the name of a site.
const PLACE: &str = "{account}";

/// An address such as `https://api.example.com` or `https://{account}.example.com`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct AddressTemplate(String);

/// The text is no address, even with a name in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must be a web address such as https://api.example.com, or https://{{account}}.example.com")]
pub struct BadTemplate;

impl AddressTemplate {
    /// The address of a site; `None` where it has a place for a name and there is none.
    ///
    /// A name is put in as it is, so it must have been checked.
    #[must_use]
    pub fn of(&self, site: Option<&str>) -> Option<Url> {
        let text = match (self.0.contains(PLACE), site) {
            (true, None) => return None,
            (true, Some(site)) => self.0.replace(PLACE, site),
            (false, _) => self.0.clone(),
        };
        Url::parse(&text).ok()
    }
}

impl FromStr for AddressTemplate {
    type Err = BadTemplate;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let template = Self(text.to_owned());
        let url = template.of(Some("a")).ok_or(BadTemplate)?;
        if matches!(url.scheme(), "http" | "https") && url.has_host() { Ok(template) } else { Err(BadTemplate) }
    }
}

impl TryFrom<String> for AddressTemplate {
    type Error = BadTemplate;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for AddressTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_takes_its_place_and_an_address_without_one_is_the_same_for_all() {
        let template: AddressTemplate = "https://{account}.example.com".parse().unwrap();
        assert_eq!(template.of(Some("acme")).unwrap().as_str(), "https://acme.example.com/");
        assert_eq!(template.of(None), None);
        let template: AddressTemplate = "http://127.0.0.1:20090/shop/{account}".parse().unwrap();
        assert_eq!(template.of(Some("acme")).unwrap().as_str(), "http://127.0.0.1:20090/shop/acme");
        let template: AddressTemplate = "https://api.example.com".parse().unwrap();
        assert_eq!(template.of(None), template.of(Some("acme")));
    }

    #[test]
    fn what_is_no_web_address_is_refused() {
        for bad in ["", "api.example.com", "ftp://x.fr", "mailto:a@b.fr", "https://", "{account}"] {
            assert_eq!(bad.parse::<AddressTemplate>(), Err(BadTemplate), "{bad}");
        }
    }
}

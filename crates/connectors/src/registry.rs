//! The list of platforms. Nowhere else is a platform told from another.

use domain::platform::PlatformSlug;

use crate::connector::Connector;

/// Makes the list of lines that each say all of one platform: its name here, where it is at home, and what speaks to it.
macro_rules! platforms {
    ($($platform:ident at $home:literal => $connector:expr,)*) => {
        /// A platform that has a connector.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Platform {
            $(#[doc = concat!("<", $home, ">")] $platform,)*
        }

        /// Every platform, in alphabetical order.
        #[must_use]
        pub fn all() -> &'static [Platform] {
            &[$(Platform::$platform,)*]
        }

        impl Platform {
            /// What speaks to it.
            #[must_use]
            pub fn connector(self) -> &'static dyn Connector {
                match self {
                    $(Self::$platform => &$connector,)*
                }
            }
        }
    };
}

platforms! {
    HubSpot at "https://www.hubspot.com" => crate::hubspot::HubSpot,
    Pipedrive at "https://www.pipedrive.com" => crate::pipedrive::Pipedrive,
    Salesforce at "https://www.salesforce.com" => crate::salesforce::Salesforce,
    Shopify at "https://www.shopify.com" => crate::shopify::Shopify,
    WooCommerce at "https://woocommerce.com" => crate::woocommerce::WooCommerce,
    Zendesk at "https://www.zendesk.com" => crate::zendesk::Zendesk,
}

impl Platform {
    /// The platform of that name; `None` where there is no connector for it.
    #[must_use]
    pub fn from_slug(slug: &PlatformSlug) -> Option<Self> {
        all().iter().copied().find(|platform| platform.connector().descriptor().slug == slug.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_scope_that_is_needed_says_what_it_is_for_and_the_same_wherever_it_is() {
        let mut known = BTreeMap::new();
        for platform in all() {
            let descriptor = platform.connector().descriptor();
            let Some(terms) = descriptor.terms() else { continue };
            let told: Vec<_> = terms.purposes.iter().map(|(scope, _)| *scope).collect();
            assert_eq!(told, terms.scopes, "{}", descriptor.slug);
            for (scope, purpose) in terms.purposes {
                assert!(!purpose.fr.is_empty() && !purpose.en.is_empty() && purpose.fr != purpose.en, "{scope}");
                // A code that is missing is told by itself, without its platform.
                assert_eq!(known.insert(*scope, *purpose).unwrap_or(*purpose), *purpose, "{scope}");
            }
        }
        assert!(known.contains_key("crm.objects.contacts.write"));
    }
}

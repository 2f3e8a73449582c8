//! The list of platforms. Nowhere else is a platform told from another.

use domain::platform::PlatformSlug;

use crate::connector::Connector;
use crate::hubspot::HubSpot;
use crate::pipedrive::Pipedrive;
use crate::salesforce::Salesforce;
use crate::shopify::Shopify;
use crate::woocommerce::WooCommerce;
use crate::zendesk::Zendesk;

/// A platform that has a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Platform {
    /// <https://www.hubspot.com>
    HubSpot,
    /// <https://www.pipedrive.com>
    Pipedrive,
    /// <https://www.salesforce.com>
    Salesforce,
    /// <https://www.shopify.com>
    Shopify,
    /// <https://woocommerce.com>
    WooCommerce,
    /// <https://www.zendesk.com>
    Zendesk,
}

/// Every platform, in alphabetical order.
#[must_use]
pub fn all() -> &'static [Platform] {
    &[
        Platform::HubSpot,
        Platform::Pipedrive,
        Platform::Salesforce,
        Platform::Shopify,
        Platform::WooCommerce,
        Platform::Zendesk,
    ]
}

impl Platform {
    /// What speaks to it.
    #[must_use]
    pub fn connector(self) -> &'static dyn Connector {
        match self {
            Self::HubSpot => &HubSpot,
            Self::Pipedrive => &Pipedrive,
            Self::Salesforce => &Salesforce,
            Self::Shopify => &Shopify,
            Self::WooCommerce => &WooCommerce,
            Self::Zendesk => &Zendesk,
        }
    }

    /// The platform of that name; `None` where there is no connector for it.
    #[must_use]
    pub fn from_slug(slug: &PlatformSlug) -> Option<Self> {
        all().iter().copied().find(|platform| platform.connector().descriptor().slug == slug.as_str())
    }
}

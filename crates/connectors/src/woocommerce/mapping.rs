//! The mappings that a new WooCommerce integration begins with. A tenant may change every line of them.

use domain::kind::RecordKind;
use domain::mapping::{FieldMapping, Mapping};

pub(crate) fn default_of(kind: RecordKind) -> Mapping {
    let fields = match kind {
        RecordKind::Contact => vec![
            FieldMapping::both("email", "email").as_identifier(),
            FieldMapping::both("phone", "billing.phone"),
            FieldMapping::both("first_name", "first_name"),
            FieldMapping::both("last_name", "last_name"),
            FieldMapping::both("company", "billing.company"),
            FieldMapping::both("address", "billing.address_1"),
            FieldMapping::both("postal_code", "billing.postcode"),
            FieldMapping::both("city", "billing.city"),
            FieldMapping::both("country", "billing.country"),
        ],
        RecordKind::Product => vec![
            FieldMapping::both("name", "name"),
            FieldMapping::both("sku", "sku").as_identifier(),
            FieldMapping::both("price", "regular_price"),
            FieldMapping::both("description", "description"),
        ],
        // What an order comes to is the shop's to say; its number, too.
        RecordKind::Order => vec![
            FieldMapping::from_platform("number", "number"),
            FieldMapping::both("status", "status"),
            FieldMapping::from_platform("total", "total"),
            FieldMapping::from_platform("currency", "currency"),
            FieldMapping::from_platform("ordered_at", "date_created_gmt"),
        ],
        RecordKind::Deal | RecordKind::Activity => Vec::new(),
    };
    Mapping::proposed(fields)
}

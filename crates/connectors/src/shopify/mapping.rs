//! The mappings that a new Shopify integration begins with. A tenant may change every line of them.

use domain::kind::RecordKind;
use domain::mapping::{FieldMapping, Mapping};

pub(crate) fn default_of(kind: RecordKind) -> Mapping {
    let fields = match kind {
        RecordKind::Contact => vec![
            FieldMapping::both("email", "email").as_identifier(),
            FieldMapping::both("phone", "phone").as_identifier(),
            FieldMapping::both("first_name", "firstName"),
            FieldMapping::both("last_name", "lastName"),
            FieldMapping::both("company", "defaultAddress.company"),
            FieldMapping::both("address", "defaultAddress.address1"),
            FieldMapping::both("postal_code", "defaultAddress.zip"),
            FieldMapping::both("city", "defaultAddress.city"),
            // It is written by its code, and shown by its name.
            FieldMapping::from_platform("country", "defaultAddress.country"),
            FieldMapping::both("notes", "note"),
        ],
        RecordKind::Product => vec![
            FieldMapping::both("name", "title"),
            FieldMapping::both("sku", "variant.sku").as_identifier(),
            FieldMapping::both("price", "variant.price"),
            FieldMapping::both("description", "descriptionHtml"),
        ],
        // What an order is called, comes to and has come to is the shop's to say.
        RecordKind::Order => vec![
            FieldMapping::from_platform("number", "name"),
            FieldMapping::from_platform("status", "displayFinancialStatus"),
            FieldMapping::from_platform("total", "currentTotal"),
            FieldMapping::from_platform("currency", "currencyCode"),
            FieldMapping::from_platform("ordered_at", "processedAt"),
        ],
        RecordKind::Deal | RecordKind::Activity => Vec::new(),
    };
    Mapping::proposed(fields)
}

//! The mappings that a new Zendesk integration begins with. A tenant may change every line of them.

use domain::kind::RecordKind;
use domain::mapping::{FieldMapping, Mapping};

use super::{ticket, user};
use crate::names;

pub(crate) fn default_of(kind: RecordKind) -> Mapping {
    let fields = match kind {
        RecordKind::Contact => vec![
            FieldMapping::both("email", user::EMAIL).as_identifier(),
            FieldMapping::both("phone", user::PHONE).as_identifier(),
            FieldMapping::both("first_name", names::FIRST),
            FieldMapping::both("last_name", names::LAST),
            FieldMapping::both("notes", "notes"),
        ],
        // A call that took place does not change any more, whatever an agent makes of its ticket.
        RecordKind::Activity => vec![
            FieldMapping::to_platform("title", "subject").or("Appel"),
            FieldMapping::to_platform("summary", ticket::COMMENT),
        ],
        RecordKind::Deal | RecordKind::Product | RecordKind::Order => Vec::new(),
    };
    Mapping::proposed(fields)
}

//! The words of the page of all activity.

use super::{Message, say};

pub(in crate::pages) const LEAD: Message = say(
    "Tout ce qui circule entre Coccinelle et vos outils.",
    "Everything that flows between Coccinelle and your tools.",
);
pub(in crate::pages) const SIDE_BY_SIDE: Message = say("Côte à côte", "Side by side");
pub(in crate::pages) const INTEGRATION: Message = say("Intégration", "Integration");
pub(in crate::pages) const STATUS: Message = say("État", "Status");

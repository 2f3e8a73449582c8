//! The words of the page of all activity.

use super::{Message, say};

pub(in crate::pages) const LEAD: Message = say(
    "Tout ce qui circule entre Coccinelle et vos outils.",
    "Everything that flows between Coccinelle and your tools.",
);
pub(in crate::pages) const SIDE_BY_SIDE: Message = say("Côte à côte", "Side by side");
pub(in crate::pages) const INTEGRATION: Message = say("Intégration", "Integration");
pub(in crate::pages) const STATUS: Message = say("État", "Status");
pub(in crate::pages) const EMPTY_WHY: Message = say(
    "Connectez un outil : ses synchronisations, ses erreurs et ses alertes se suivent ensuite ici.",
    "Connect a tool: its syncs, errors and alerts are followed here then.",
);
pub(in crate::pages) const TO_CATALOGUE: Message = say("Choisir un outil", "Choose a tool");

//! The words of the catalogue, and those for how an integration is.

use super::{Counted, Message, count, say};

pub(in crate::pages) const LEAD: Message = say(
    "Connectez vos outils ; vos contacts, vos affaires et vos commandes y suivent ceux de Coccinelle.",
    "Connect your tools; contacts, deals and orders follow those of Coccinelle.",
);
pub(in crate::pages) const CONNECTED: Message = say("Connectées", "Connected");
pub(in crate::pages) const AVAILABLE: Message = say("Catalogue", "Catalogue");
pub(in crate::pages) const EMPTY: Message = say("Aucune intégration pour l'instant", "No integrations yet");
pub(in crate::pages) const EMPTY_WHY: Message = say(
    "Choisissez ci-dessous l'outil que vous utilisez. Il faut une minute : une autorisation ou une clé, et c'est tout.",
    "Choose the tool you use below. It takes a minute: one authorisation or one key, and that is all.",
);
pub(in crate::pages) const NOTHING_FOUND: Message = say(
    "Aucun outil ne correspond à votre recherche. Effacez les filtres pour les revoir tous.",
    "No tool matches your search. Clear the filters to see all of them.",
);
pub(in crate::pages) const SEARCH: Message = say("Rechercher un outil", "Search tools");
pub(in crate::pages) const CATEGORY: Message = say("Catégorie", "Category");
pub(in crate::pages) const ALL: Message = say("Toutes", "All");
pub(in crate::pages) const FILTER: Message = say("Filtrer", "Filter");
pub(in crate::pages) const CLEAR: Message = say("Effacer", "Clear");
pub(in crate::pages) const CONNECT: Message = say("Connecter", "Connect");
pub(in crate::pages) const CONNECT_ANOTHER: Message = say("Connecter un autre compte", "Connect another account");
pub(in crate::pages) const TO_COME: Message = say("À venir", "Coming soon");

pub(in crate::pages) const CRM: Message = say("CRM", "CRM");
pub(in crate::pages) const SHOP: Message = say("E-commerce et paiement", "E-commerce and payments");
pub(in crate::pages) const SUPPORT: Message = say("Support client", "Customer support");
pub(in crate::pages) const MARKETING: Message = say("Marketing", "Marketing");
pub(in crate::pages) const WORK: Message = say("Équipe et données", "Team and data");

pub(in crate::pages) const ACTIVE: Message = say("Actif", "Active");
pub(in crate::pages) const INACTIVE: Message = say("Inactif", "Inactive");
pub(in crate::pages) const ERROR: Message = say("Erreur", "Error");
pub(in crate::pages) const REAUTH: Message = say("Reconnexion requise", "Reconnection needed");
pub(in crate::pages) const DOWN: Message = say("Plateforme en panne", "Platform down");
pub(in crate::pages) const UNCONNECTED: Message = say("Non connectée", "Not connected");
pub(in crate::pages) const FIRST_SYNC: Message = say("Première synchronisation", "First sync");

pub(in crate::pages) const LAST_SYNC: Message = say("Dernière sync", "Last sync");
pub(in crate::pages) const NEVER: Message = say("jamais", "never");
pub(in crate::pages) const SUCCESS_RATE: Message = say("Réussite sur 24 h", "Success, 24 h");
pub(in crate::pages) const NO_ATTEMPTS: Message = say("rien sur 24 h", "nothing in 24 h");
pub(in crate::pages) const SPARKLINE: Counted = count(
    ("{} tentative sur 24 heures", "{} attempt in 24 hours"),
    ("{} tentatives sur 24 heures", "{} attempts in 24 hours"),
);
pub(in crate::pages) const ERRORS: Counted = count(("{} erreur", "{} error"), ("{} erreurs", "{} errors"));
pub(in crate::pages) const DRIFT: Counted = count(("{} écart", "{} out of step"), ("{} écarts", "{} out of step"));
pub(in crate::pages) const IN_STEP: Message = say("Aucun écart", "In step");

pub(in crate::pages) const CONTACTS: Message = say("Contacts", "Contacts");
pub(in crate::pages) const DEALS: Message = say("Affaires", "Deals");
pub(in crate::pages) const ACTIVITIES: Message = say("Activités", "Activities");
pub(in crate::pages) const PRODUCTS: Message = say("Produits", "Products");
pub(in crate::pages) const ORDERS: Message = say("Commandes", "Orders");

//! What stands on top of every page of one integration.

use super::{Message, say};

pub(in crate::pages) const TABS: Message = say("Pages de l'intégration", "Pages of the integration");
pub(in crate::pages) const OVERVIEW: Message = say("Aperçu", "Overview");
pub(in crate::pages) const LOGS: Message = say("Journaux", "Logs");
pub(in crate::pages) const FAILURES: Message = say("Échecs", "Failures");
pub(in crate::pages) const WEBHOOKS: Message = say("Webhooks", "Webhooks");
pub(in crate::pages) const FIELDS: Message = say("Champs", "Fields");
pub(in crate::pages) const DATA: Message = say("Données", "Data");
pub(in crate::pages) const ACCOUNT: Message = say("compte {}", "account {}");
pub(in crate::pages) const ENABLE: Message = say("Activer", "Switch on");
pub(in crate::pages) const DISABLE: Message = say("Désactiver", "Switch off");
pub(in crate::pages) const TEST: Message = say("Tester la connexion", "Test connection");
pub(in crate::pages) const SYNC: Message = say("Synchroniser", "Sync now");

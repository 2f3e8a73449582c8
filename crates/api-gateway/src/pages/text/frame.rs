//! What stands around every page.

use super::{Message, say};

pub(in crate::pages) const PRODUCT: Message = say("Coccinelle", "Coccinelle");
pub(in crate::pages) const SKIP: Message = say("Aller au contenu", "Skip to content");
pub(in crate::pages) const NAVIGATION: Message = say("Navigation principale", "Main navigation");
pub(in crate::pages) const INTEGRATIONS: Message = say("Intégrations", "Integrations");
pub(in crate::pages) const ACTIVITY: Message = say("Activité", "Activity");
pub(in crate::pages) const SETTINGS: Message = say("Réglages", "Settings");
pub(in crate::pages) const DOCUMENTATION: Message = say("Documentation", "Documentation");
pub(in crate::pages) const LANGUAGE: Message = say("Langue", "Language");
pub(in crate::pages) const THEME: Message = say("Thème", "Theme");
pub(in crate::pages) const AUTO: Message = say("Auto", "Auto");
pub(in crate::pages) const LIGHT: Message = say("Clair", "Light");
pub(in crate::pages) const DARK: Message = say("Sombre", "Dark");
pub(in crate::pages) const LOG_OUT: Message = say("Se déconnecter", "Log out");
pub(in crate::pages) const READ_ONLY: Message = say("Lecture seule", "Read only");

/// Between a thing and what is said of it.
pub(in crate::pages) const COLON: Message = say(" : ", ": ");

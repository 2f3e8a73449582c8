//! What people change, in words.

use domain::audit::Action;

use super::{Message, say};

/// What was done.
pub(in crate::pages) fn done(action: Action) -> Message {
    match action {
        Action::IntegrationCreated => say("Intégration connectée", "Integration connected"),
        Action::IntegrationUpdated => say("Intégration modifiée", "Integration changed"),
        Action::IntegrationDeleted => say("Intégration supprimée", "Integration deleted"),
        Action::IntegrationDisconnected => say("Compte déconnecté", "Account disconnected"),
        Action::IntegrationEnabled => say("Synchronisation activée", "Syncing switched on"),
        Action::IntegrationDisabled => say("Synchronisation arrêtée", "Syncing switched off"),
        Action::IntegrationTested => say("Connexion testée", "Connection tested"),
        Action::ConsentStarted => say("Autorisation demandée", "Consent asked for"),
        Action::MappingUpdated => say("Mapping modifié", "Mapping changed"),
        Action::WebhookSecretRotated => say("Secret des webhooks remplacé", "Webhook secret replaced"),
        Action::WorkflowSecretTold => say("Secret du workflow affiché", "Workflow secret shown"),
        Action::FailuresReplayed => say("Échecs rejoués", "Failures tried again"),
        Action::RunStarted => say("Synchronisation lancée", "Sync started"),
        Action::RunCancelled => say("Synchronisation interrompue", "Sync ended early"),
        Action::RunConfirmed => say("Suppressions acceptées", "Deletions agreed to"),
        Action::ConflictDecided => say("Conflit tranché", "Conflict decided"),
        Action::PersonErasureRequested => say("Effacement d'une personne demandé", "Erasure of a person asked for"),
        Action::PersonErased => say("Personne effacée", "Person erased"),
        Action::PersonDataRequested => say("Données d'une personne demandées", "Data of a person asked for"),
        Action::IntegrationErased => say("Données d'un compte effacées", "Data of an account erased"),
        Action::SuppressionLifted => say("Effacement levé", "Erasure lifted"),
        Action::SettingsUpdated => say("Réglages modifiés", "Settings changed"),
        Action::AlertsTried => say("Alerte d'essai envoyée", "Trial alert sent"),
        Action::TokenCreated => say("Jeton créé", "Token made"),
        Action::TokenRevoked => say("Jeton révoqué", "Token revoked"),
    }
}

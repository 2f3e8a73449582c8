//! What people call our own fields.

use domain::kind::RecordKind;

use super::{Message, say};

/// Names that mean the same wherever they stand.
const LABELS: &[(&str, Message)] = &[
    ("first_name", say("Prénom", "First name")),
    ("last_name", say("Nom", "Last name")),
    ("email", say("E-mail", "E-mail")),
    ("phone", say("Téléphone", "Telephone")),
    ("company", say("Société", "Company")),
    ("job_title", say("Fonction", "Job title")),
    ("address", say("Adresse", "Address")),
    ("postal_code", say("Code postal", "Postal code")),
    ("city", say("Ville", "City")),
    ("country", say("Pays", "Country")),
    ("website", say("Site web", "Website")),
    ("notes", say("Notes", "Notes")),
    ("title", say("Titre", "Title")),
    ("status", say("Statut", "Status")),
    ("starts_at", say("Début", "Starts at")),
    ("ends_at", say("Fin", "Ends at")),
    ("amount", say("Montant", "Amount")),
    ("currency", say("Devise", "Currency")),
    ("location", say("Lieu", "Location")),
    ("description", say("Description", "Description")),
    ("direction", say("Sens de l'appel", "Direction of the call")),
    ("started_at", say("Début de l'appel", "Call began at")),
    ("duration_seconds", say("Durée, en secondes", "Duration, in seconds")),
    ("from_number", say("Numéro appelant", "From number")),
    ("to_number", say("Numéro appelé", "To number")),
    ("outcome", say("Issue", "Outcome")),
    ("summary", say("Résumé", "Summary")),
    ("recording_url", say("Enregistrement", "Recording")),
    ("sku", say("Référence", "SKU")),
    ("price", say("Prix", "Price")),
    ("number", say("Numéro", "Number")),
    ("total", say("Total", "Total")),
    ("ordered_at", say("Commandé le", "Ordered at")),
    ("contact", say("Contact", "Contact")),
    ("deleted", say("Supprimé", "Deleted")),
    ("external_id", say("Identifiant sur la plateforme", "Id on the platform")),
];

/// What a field of a kind is called; `None` where nobody has named it.
pub(in crate::pages) fn label(kind: RecordKind, name: &str) -> Option<Message> {
    match (kind, name) {
        (RecordKind::Product, "name") => Some(say("Nom", "Name")),
        _ => LABELS.iter().find(|(known, _)| *known == name).map(|(_, label)| *label),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_ours_has_a_name_for_people() {
        for kind in RecordKind::ALL {
            for spec in domain::schema::fields_of(kind) {
                assert!(label(kind, spec.name).is_some(), "{kind}.{}", spec.name);
            }
        }
    }
}

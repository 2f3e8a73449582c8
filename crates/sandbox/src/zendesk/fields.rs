//! Fields of an account's own: every site here has the same few.

use actix_web::HttpResponse;
use serde_json::json;

pub(crate) async fn of_users() -> HttpResponse {
    HttpResponse::Ok().json(json!({"user_fields": [
        {"id": 801, "key": "plan", "type": "dropdown", "title": "Formule", "active": true, "system": false,
         "custom_field_options": [{"name": "Or", "value": "gold"}, {"name": "Argent", "value": "silver"}]},
        {"id": 802, "key": "client_since", "type": "date", "title": "Client depuis", "active": true, "system": false},
        {"id": 803, "key": "old", "type": "text", "title": "Ancien", "active": false, "system": false},
    ], "meta": {"has_more": false}}))
}

pub(crate) async fn of_tickets() -> HttpResponse {
    HttpResponse::Ok().json(json!({"ticket_fields": [
        {"id": 901, "type": "subject", "title": "Subject", "active": true, "removable": false},
        {"id": 902, "type": "tagger", "title": "Motif", "active": true, "removable": true,
         "custom_field_options": [{"name": "Rendez-vous", "value": "appointment"}]},
    ], "meta": {"has_more": false}}))
}

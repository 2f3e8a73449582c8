//! The tables that the query builder knows, kept by hand beside `migrations/`. Set-based statements are written as SQL where they are used.

diesel::table! {
    tenants (id) {
        id -> Text,
        name -> Text,
        region -> Text,
        sealed_data_key -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    tenant_integrations (id) {
        id -> Text,
        tenant_id -> Text,
        platform -> Text,
        name -> Text,
        config_encrypted -> Nullable<Text>,
        enabled -> Bool,
        direction -> Text,
        kind_directions -> Jsonb,
        frequency -> Text,
        delivery -> Text,
        account_id -> Nullable<Text>,
        url -> Nullable<Text>,
        version -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    integration_health (integration_id) {
        integration_id -> Text,
        tenant_id -> Text,
        status -> Text,
        cause -> Nullable<Text>,
        last_sync_at -> Nullable<Timestamptz>,
        last_sync_status -> Nullable<Text>,
        last_success_at -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
        last_error_at -> Nullable<Timestamptz>,
        error_count -> BigInt,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    integration_oauth_tokens (integration_id) {
        integration_id -> Text,
        tenant_id -> Text,
        access_token_sealed -> Text,
        refresh_token_sealed -> Nullable<Text>,
        expires_at -> Nullable<Timestamptz>,
        scopes -> Array<Text>,
        lease_token -> Nullable<Text>,
        lease_expires_at -> Nullable<Timestamptz>,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    integration_mapping_versions (integration_id, kind) {
        integration_id -> Text,
        tenant_id -> Text,
        kind -> Text,
        version -> BigInt,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    integration_field_mappings (integration_id, kind, remote_field) {
        integration_id -> Text,
        tenant_id -> Text,
        kind -> Text,
        position -> Integer,
        local_field -> Text,
        remote_field -> Text,
        direction -> Text,
        transform -> Jsonb,
        is_identifier -> Bool,
        default_value -> Nullable<Jsonb>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(tenant_integrations, integration_health);

//! The tables that the query builder knows, kept by hand beside `migrations/`. Set-based statements are written as SQL where they are used.

diesel::table! {
    tenants (id) {
        id -> Text,
        name -> Text,
        region -> Text,
        sealed_data_key -> Nullable<Text>,
        created_at -> Timestamptz,
        previous_data_key -> Nullable<Text>,
        region_since -> Timestamptz,
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
        options -> Jsonb,
        frequency -> Text,
        delivery -> Text,
        account_id -> Nullable<Text>,
        account_name -> Nullable<Text>,
        url -> Nullable<Text>,
        workflow_url -> Nullable<Text>,
        alerts -> Jsonb,
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
    available_integrations (platform) {
        platform -> Text,
        name -> Text,
        category -> Text,
        auth -> Text,
        kinds -> Array<Text>,
        docs_url -> Text,
        is_offered -> Bool,
        updated_at -> Timestamptz,
    }
}

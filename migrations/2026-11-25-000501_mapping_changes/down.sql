REVOKE UPDATE (wanted_mapping, waits_for) ON record_links FROM coccinelle_gateway;

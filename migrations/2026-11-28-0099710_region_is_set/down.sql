REVOKE UPDATE (region) ON tenants FROM coccinelle_gateway;

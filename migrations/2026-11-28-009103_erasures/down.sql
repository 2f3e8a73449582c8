REVOKE UPDATE (content), DELETE ON alert_messages FROM coccinelle_gateway;
REVOKE UPDATE (detail, told_at, told_end_at) ON incidents FROM coccinelle_gateway;
DROP FUNCTION quotes_person(jsonb, text, jsonb);
DROP TABLE erasures;

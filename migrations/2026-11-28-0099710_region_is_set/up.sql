-- A tenant says itself where its telephone numbers are from; the gateway's policy holds for writing as well.
GRANT UPDATE (region) ON tenants TO coccinelle_gateway;

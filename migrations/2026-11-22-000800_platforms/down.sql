DROP TABLE platform_budgets;
DROP TABLE available_integrations;

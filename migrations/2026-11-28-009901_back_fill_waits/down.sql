ALTER TABLE platform_budgets DROP COLUMN back_fill_waits_since;

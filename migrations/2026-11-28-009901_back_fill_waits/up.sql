ALTER TABLE platform_budgets ADD COLUMN back_fill_waits_since timestamptz;

COMMENT ON COLUMN platform_budgets.back_fill_waits_since IS
    'Since when a back-fill waits for a request: as long as it does, a share of what comes in is kept for it';

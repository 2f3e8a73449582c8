-- Most conflicts are about a lost value and name nobody else, so the index holds the few that do.
CREATE INDEX record_conflicts_by_other ON record_conflicts (other_id) WHERE other_id IS NOT NULL;
COMMENT ON INDEX record_conflicts_by_other IS
    'Finds the conflicts that name a record as the holder: when it is shown, joined with another or erased';

DROP INDEX record_conflicts_by_other;

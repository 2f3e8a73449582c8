-- Objects are asked whether their records were erased, a few at a time: without it, all that a tenant has erased is read for each few.
CREATE INDEX suppressions_by_record ON suppressions (record_id);
COMMENT ON INDEX suppressions_by_record IS 'Finds the suppressions of a person: whether there are any, and which';

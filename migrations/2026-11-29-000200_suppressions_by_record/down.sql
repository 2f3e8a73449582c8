DROP INDEX suppressions_by_record;

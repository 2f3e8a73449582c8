-- Records are listed by id, which no change of them moves: whoever goes through the pages misses none that is changed meanwhile.
CREATE INDEX records_by_id ON records (tenant_id, kind, id DESC);
DROP INDEX records_by_update;

DROP TABLE record_edits;

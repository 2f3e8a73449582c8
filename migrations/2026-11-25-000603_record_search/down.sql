ALTER TABLE records DROP COLUMN name_forward, DROP COLUMN name_backward;
DROP FUNCTION plain_name(text);

DROP TABLE workflow_creates;
DROP TABLE sync_callbacks;
ALTER TABLE record_links DROP COLUMN hinted_id, DROP COLUMN errand;

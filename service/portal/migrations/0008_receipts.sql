-- Of which upload through this portal its provider says the table is; null where it was written down by hand. An
-- upload is of one table.
ALTER TABLE tables ADD COLUMN upload TEXT;
CREATE UNIQUE INDEX tables_by_upload ON tables (upload);

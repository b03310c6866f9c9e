-- The keys that bodies were encrypted with: from proof, which tells nothing of a key, a process that has other bytes under the same id is found out before it
-- writes.
CREATE TABLE perdure_key (
  tenant TEXT    NOT NULL,
  key_id TEXT    NOT NULL,
  proof  TEXT    NOT NULL,
  at     INTEGER NOT NULL,
  PRIMARY KEY (tenant, key_id)
) WITHOUT ROWID;

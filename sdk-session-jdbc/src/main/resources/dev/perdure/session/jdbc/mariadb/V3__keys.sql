-- The keys that bodies were encrypted with: from proof, which tells nothing of a key, a process that has other bytes under the same id is found out before it
-- writes.
CREATE TABLE IF NOT EXISTS perdure_key (
  tenant VARCHAR(100) NOT NULL,
  key_id VARCHAR(128) NOT NULL,
  proof  VARCHAR(64)  NOT NULL,
  at     BIGINT       NOT NULL,
  PRIMARY KEY (tenant, key_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

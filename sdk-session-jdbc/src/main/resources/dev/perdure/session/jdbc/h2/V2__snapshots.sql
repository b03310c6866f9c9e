-- The newest snapshot of each session: what its events up to number seq, which has this id, came to. A cache, never more than that: every row may be
-- deleted at any time.
CREATE TABLE IF NOT EXISTS perdure_snapshot (
  session BIGINT        NOT NULL PRIMARY KEY,
  seq     BIGINT        NOT NULL,
  event   VARBINARY(16) NOT NULL,
  at      BIGINT        NOT NULL,
  codec   SMALLINT      NOT NULL,
  body    BINARY LARGE OBJECT NOT NULL
);

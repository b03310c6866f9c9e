-- The newest snapshot of each session: what its events up to number seq, which has this id, came to. A cache, never more than that: every row may be
-- deleted at any time.
CREATE TABLE perdure_snapshot (
  session INTEGER NOT NULL PRIMARY KEY REFERENCES perdure_session (id),
  seq     INTEGER NOT NULL,
  event   BLOB    NOT NULL,
  at      INTEGER NOT NULL,
  codec   INTEGER NOT NULL,
  body    BLOB    NOT NULL
);

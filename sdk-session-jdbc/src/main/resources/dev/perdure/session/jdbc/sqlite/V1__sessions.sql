-- Times are milliseconds since 1970 UTC. Names are prefixed, because an application may keep its own tables in this file.
-- Numbers of sessions that are gone are not given again: processes remember sessions by them.

CREATE TABLE perdure_session (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant      TEXT    NOT NULL,
  name        TEXT    NOT NULL,
  agent       TEXT    NOT NULL,
  status      TEXT    NOT NULL,
  labels      TEXT    NOT NULL,
  fence       INTEGER NOT NULL,
  owner       TEXT,
  lease_until INTEGER,
  attempts    INTEGER NOT NULL,
  claim_seq   INTEGER NOT NULL,
  retry_at    INTEGER NOT NULL,
  ready_at    INTEGER NOT NULL,
  inbox_head  INTEGER NOT NULL,
  opened_at   INTEGER NOT NULL,
  changed_at  INTEGER NOT NULL,
  UNIQUE (tenant, name)
);

-- What a worker looks for: sessions with something to do, and those whose holder may be gone. Renewal touches neither.
CREATE INDEX perdure_session_ready ON perdure_session (tenant, ready_at, id) WHERE status = 'READY';
CREATE INDEX perdure_session_running ON perdure_session (owner, id) WHERE status = 'RUNNING';

-- Not WITHOUT ROWID: such a table keeps at most a quarter of a page of a row in place, so that events of 1 to 8 KB would
-- take up to 4.6 times their size. No foreign key: the insert reads the session's row anyway.
CREATE TABLE perdure_event (
  session  INTEGER NOT NULL,
  seq      INTEGER NOT NULL,
  id       BLOB    NOT NULL,
  turn     INTEGER NOT NULL,
  fence    INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  type     TEXT    NOT NULL,
  progress INTEGER NOT NULL,
  codec    INTEGER NOT NULL,
  chain    BLOB,
  body     BLOB    NOT NULL,
  PRIMARY KEY (session, seq)
);

CREATE TABLE perdure_inbox (
  session    INTEGER NOT NULL REFERENCES perdure_session (id),
  idem_key   TEXT    NOT NULL,
  position   INTEGER NOT NULL,
  kind       TEXT    NOT NULL,
  actor_kind TEXT    NOT NULL,
  actor      TEXT    NOT NULL,
  hash       BLOB    NOT NULL,
  at         INTEGER NOT NULL,
  consumed   INTEGER,
  body       BLOB    NOT NULL,
  PRIMARY KEY (session, idem_key)
) WITHOUT ROWID;

CREATE UNIQUE INDEX perdure_inbox_todo ON perdure_inbox (session, position) WHERE consumed IS NULL;

CREATE TABLE perdure_question (
  session      INTEGER NOT NULL REFERENCES perdure_session (id),
  question_key TEXT    NOT NULL,
  tenant       TEXT    NOT NULL,
  asked_at     INTEGER NOT NULL,
  kind         TEXT    NOT NULL,
  call_id      TEXT    NOT NULL,
  tool         TEXT    NOT NULL,
  arguments    TEXT    NOT NULL,
  text         TEXT    NOT NULL,
  PRIMARY KEY (session, question_key)
) WITHOUT ROWID;

CREATE INDEX perdure_question_tenant ON perdure_question (tenant, asked_at, session, question_key);

CREATE TABLE perdure_blob (
  session INTEGER NOT NULL REFERENCES perdure_session (id),
  sha256  TEXT    NOT NULL,
  size    INTEGER NOT NULL,
  body    BLOB    NOT NULL,
  PRIMARY KEY (session, sha256)
);

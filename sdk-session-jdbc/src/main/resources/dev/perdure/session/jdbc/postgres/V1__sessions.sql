-- Times are milliseconds since 1970 UTC. Names are compared byte by byte, whatever the language of the database.

CREATE TABLE perdure_session (
  id          BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant      TEXT    COLLATE "C" NOT NULL,
  name        TEXT    COLLATE "C" NOT NULL,
  agent       TEXT    COLLATE "C" NOT NULL,
  status      TEXT    COLLATE "C" NOT NULL,
  labels      TEXT    NOT NULL,
  fence       BIGINT  NOT NULL,
  owner       TEXT    COLLATE "C",
  lease_until BIGINT,
  attempts    INTEGER NOT NULL,
  claim_seq   BIGINT  NOT NULL,
  retry_at    BIGINT  NOT NULL,
  ready_at    BIGINT  NOT NULL,
  inbox_head  BIGINT  NOT NULL,
  opened_at   BIGINT  NOT NULL,
  changed_at  BIGINT  NOT NULL,
  UNIQUE (tenant, name)
) WITH (fillfactor = 70);

-- What a worker looks for: sessions with something to do, and those whose holder may be gone. Renewal touches neither.
CREATE INDEX perdure_session_ready ON perdure_session (tenant, ready_at, id) WHERE status = 'READY';
CREATE INDEX perdure_session_running ON perdure_session (owner, id) WHERE status = 'RUNNING';

-- No foreign key: the insert reads and locks the session's row anyway.
CREATE TABLE perdure_event (
  session  BIGINT   NOT NULL,
  seq      BIGINT   NOT NULL,
  id       BYTEA    NOT NULL,
  turn     INTEGER  NOT NULL,
  fence    BIGINT   NOT NULL,
  at       BIGINT   NOT NULL,
  type     TEXT     NOT NULL,
  progress SMALLINT NOT NULL,
  codec    SMALLINT NOT NULL,
  chain    BYTEA,
  body     BYTEA    NOT NULL,
  PRIMARY KEY (session, seq)
);

CREATE TABLE perdure_inbox (
  session    BIGINT NOT NULL REFERENCES perdure_session (id),
  idem_key   TEXT   COLLATE "C" NOT NULL,
  position   BIGINT NOT NULL,
  kind       TEXT   NOT NULL,
  actor_kind TEXT   NOT NULL,
  actor      TEXT   NOT NULL,
  hash       BYTEA  NOT NULL,
  at         BIGINT NOT NULL,
  consumed   BIGINT,
  body       BYTEA  NOT NULL,
  PRIMARY KEY (session, idem_key)
);

CREATE UNIQUE INDEX perdure_inbox_todo ON perdure_inbox (session, position) WHERE consumed IS NULL;

CREATE TABLE perdure_question (
  session      BIGINT NOT NULL REFERENCES perdure_session (id),
  question_key TEXT   COLLATE "C" NOT NULL,
  tenant       TEXT   COLLATE "C" NOT NULL,
  asked_at     BIGINT NOT NULL,
  kind         TEXT   NOT NULL,
  call_id      TEXT   NOT NULL,
  tool         TEXT   NOT NULL,
  arguments    TEXT   NOT NULL,
  text         TEXT   NOT NULL,
  PRIMARY KEY (session, question_key)
);

CREATE INDEX perdure_question_tenant ON perdure_question (tenant, asked_at, session, question_key);

CREATE TABLE perdure_blob (
  session BIGINT NOT NULL REFERENCES perdure_session (id),
  sha256  TEXT   COLLATE "C" NOT NULL,
  size    BIGINT NOT NULL,
  body    BYTEA  NOT NULL,
  PRIMARY KEY (session, sha256)
);

-- Times are milliseconds since 1970 UTC.

CREATE TABLE IF NOT EXISTS perdure_session (
  id          BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant      VARCHAR NOT NULL,
  name        VARCHAR NOT NULL,
  agent       VARCHAR NOT NULL,
  status      VARCHAR NOT NULL,
  labels      VARCHAR NOT NULL,
  fence       BIGINT  NOT NULL,
  owner       VARCHAR,
  lease_until BIGINT,
  attempts    INTEGER NOT NULL,
  claim_seq   BIGINT  NOT NULL,
  retry_at    BIGINT  NOT NULL,
  ready_at    BIGINT  NOT NULL,
  inbox_head  BIGINT  NOT NULL,
  opened_at   BIGINT  NOT NULL,
  changed_at  BIGINT  NOT NULL,
  UNIQUE (tenant, name)
);

CREATE INDEX IF NOT EXISTS perdure_session_ready ON perdure_session (status, tenant, ready_at, id);

-- No foreign keys: whoever writes here has read and locked the session's row.
CREATE TABLE IF NOT EXISTS perdure_event (
  session  BIGINT        NOT NULL,
  seq      BIGINT        NOT NULL,
  id       VARBINARY(16) NOT NULL,
  turn     INTEGER       NOT NULL,
  fence    BIGINT        NOT NULL,
  at       BIGINT        NOT NULL,
  type     VARCHAR       NOT NULL,
  progress SMALLINT      NOT NULL,
  codec    SMALLINT      NOT NULL,
  chain    VARBINARY(64),
  body     BINARY LARGE OBJECT NOT NULL,
  PRIMARY KEY (session, seq)
);

CREATE TABLE IF NOT EXISTS perdure_inbox (
  session    BIGINT        NOT NULL,
  idem_key   VARCHAR       NOT NULL,
  position   BIGINT        NOT NULL,
  kind       VARCHAR       NOT NULL,
  actor_kind VARCHAR       NOT NULL,
  actor      VARCHAR       NOT NULL,
  hash       VARBINARY(255) NOT NULL,
  at         BIGINT        NOT NULL,
  consumed   BIGINT,
  body       BINARY LARGE OBJECT NOT NULL,
  PRIMARY KEY (session, idem_key),
  UNIQUE (session, position)
);

CREATE TABLE IF NOT EXISTS perdure_question (
  session      BIGINT  NOT NULL,
  question_key VARCHAR NOT NULL,
  tenant       VARCHAR NOT NULL,
  asked_at     BIGINT  NOT NULL,
  kind         VARCHAR NOT NULL,
  call_id      VARCHAR NOT NULL,
  tool         VARCHAR NOT NULL,
  arguments    CHARACTER LARGE OBJECT NOT NULL,
  text         CHARACTER LARGE OBJECT NOT NULL,
  PRIMARY KEY (session, question_key)
);

CREATE INDEX IF NOT EXISTS perdure_question_tenant ON perdure_question (tenant, asked_at, session, question_key);

CREATE TABLE IF NOT EXISTS perdure_blob (
  session BIGINT   NOT NULL,
  sha256  VARCHAR  NOT NULL,
  size    BIGINT   NOT NULL,
  body    BINARY LARGE OBJECT NOT NULL,
  PRIMARY KEY (session, sha256)
);

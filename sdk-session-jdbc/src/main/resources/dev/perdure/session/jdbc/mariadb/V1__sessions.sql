-- Times are milliseconds since 1970 UTC. Names are compared byte by byte, spaces at their ends included. Each statement may be repeated, because
-- changes of tables commit themselves, and a process may die between two.

CREATE TABLE IF NOT EXISTS perdure_session (
  id          BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
  tenant      VARCHAR(100) NOT NULL,
  name        VARCHAR(200) NOT NULL,
  agent       VARCHAR(400) NOT NULL,
  status      VARCHAR(20)  NOT NULL,
  labels      LONGTEXT     NOT NULL,
  fence       BIGINT       NOT NULL,
  owner       VARCHAR(100),
  lease_until BIGINT,
  attempts    INT          NOT NULL,
  claim_seq   BIGINT       NOT NULL,
  retry_at    BIGINT       NOT NULL,
  ready_at    BIGINT       NOT NULL,
  inbox_head  BIGINT       NOT NULL,
  opened_at   BIGINT       NOT NULL,
  changed_at  BIGINT       NOT NULL,
  UNIQUE KEY perdure_session_name (tenant, name),
  -- What a worker looks for: sessions with something to do, and those whose holder may be gone. Renewal does not touch it.
  KEY perdure_session_ready (status, tenant, ready_at, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- No foreign keys: whoever writes here has read and locked the session's row.
CREATE TABLE IF NOT EXISTS perdure_event (
  session  BIGINT      NOT NULL,
  seq      BIGINT      NOT NULL,
  id       BINARY(16)  NOT NULL,
  turn     INT         NOT NULL,
  fence    BIGINT      NOT NULL,
  at       BIGINT      NOT NULL,
  type     VARCHAR(60) NOT NULL,
  progress SMALLINT    NOT NULL,
  codec    SMALLINT    NOT NULL,
  chain    VARBINARY(64),
  body     LONGBLOB    NOT NULL,
  PRIMARY KEY (session, seq)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS perdure_inbox (
  session    BIGINT        NOT NULL,
  idem_key   VARCHAR(200)  NOT NULL,
  position   BIGINT        NOT NULL,
  kind       VARCHAR(30)   NOT NULL,
  actor_kind VARCHAR(30)   NOT NULL,
  actor      VARCHAR(200)  NOT NULL,
  hash       VARBINARY(255) NOT NULL,
  at         BIGINT        NOT NULL,
  consumed   BIGINT,
  body       LONGBLOB      NOT NULL,
  PRIMARY KEY (session, idem_key),
  UNIQUE KEY perdure_inbox_todo (session, position)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS perdure_question (
  session      BIGINT       NOT NULL,
  question_key VARCHAR(200) NOT NULL,
  tenant       VARCHAR(100) NOT NULL,
  asked_at     BIGINT       NOT NULL,
  kind         VARCHAR(30)  NOT NULL,
  call_id      VARCHAR(200) NOT NULL,
  tool         VARCHAR(400) NOT NULL,
  arguments    LONGTEXT     NOT NULL,
  text         LONGTEXT     NOT NULL,
  PRIMARY KEY (session, question_key),
  KEY perdure_question_tenant (tenant, asked_at, session, question_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS perdure_blob (
  session BIGINT   NOT NULL,
  sha256  VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  size    BIGINT   NOT NULL,
  body    LONGBLOB NOT NULL,
  PRIMARY KEY (session, sha256)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

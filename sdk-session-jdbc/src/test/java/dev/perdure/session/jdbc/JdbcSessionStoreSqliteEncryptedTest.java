package dev.perdure.session.jdbc;

import dev.perdure.spi.BodyCodec;

/** The whole contract, with compression and encryption. */
class JdbcSessionStoreSqliteEncryptedTest extends JdbcSessionStoreSqliteTest {
    @Override
    BodyCodec codec() {
        return Keys.codec();
    }
}

package dev.perdure.session.jdbc;

import dev.perdure.spi.BodyCodec;

/** The whole contract, with compression and encryption. */
class JdbcSessionStorePostgresEncryptedTest extends JdbcSessionStorePostgresTest {
    @Override
    BodyCodec codec() {
        return Keys.codec();
    }
}

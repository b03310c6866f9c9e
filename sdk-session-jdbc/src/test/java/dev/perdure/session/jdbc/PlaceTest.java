package dev.perdure.session.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlaceTest {
    @ParameterizedTest
    @CsvSource({
        "jdbc:postgresql://host:5432/db?user=app&password=s3cret, jdbc:postgresql://host:5432/db",
        "jdbc:h2:file:/data/s;USER=sa;PASSWORD=s3cret, jdbc:h2:file:/data/s",
        "jdbc:mysql://app:s3cret@host:3306/db, jdbc:mysql://host:3306/db",
        "jdbc:mysql://address=(host=h)(password=s3cret)/db, jdbc:mysql://address=/db"
    })
    void addressOfADatabase_isSaidWithoutUserAndPassword(String url, String said) {
        assertThat(Place.withoutSecrets(url)).isEqualTo(said);
    }
}

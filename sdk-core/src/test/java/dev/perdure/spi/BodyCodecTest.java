package dev.perdure.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.perdure.session.Actor;
import dev.perdure.session.BlobRef;
import dev.perdure.session.CallId;
import dev.perdure.session.Event;
import dev.perdure.session.EventId;
import dev.perdure.session.Question;
import dev.perdure.session.QuestionId;
import dev.perdure.session.SessionId;
import dev.perdure.session.TenantId;
import dev.perdure.session.UnsupportedFormatException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class BodyCodecTest {
    private static final SessionId SESSION = SessionId.of("acme", "ticket-1");
    private static final EventId EVENT = EventId.parse("00000000-0000-4000-8000-000000000007");
    private static final BodyPlace PLACE = BodyPlace.event(SESSION, 7, EVENT, 2, "NoteKept");
    private static final KeySource.Key FIRST = KeySource.Key.of("2026-01", bytes(32, 1));
    private static final KeySource.Key SECOND = KeySource.Key.of("2026-02", bytes(32, 2));
    private static final BodyCodec PLAIN = BodyCodec.plain();
    private static final BodyCodec COMPRESSED = PLAIN.compress();
    private static final BodyCodec ENCRYPTED = PLAIN.encrypt(KeySource.of(FIRST));
    private static final BodyCodec BOTH = COMPRESSED.encrypt(KeySource.of(FIRST));
    private static final List<BodyCodec> ALL = List.of(PLAIN, COMPRESSED, ENCRYPTED, BOTH);
    private static final String SECRET = "the refund of 1900 cents";
    private static final String LONG = "{\"note\":\"" + (SECRET + ", ").repeat(22) + "\"}";

    @Test
    void whatIsEncoded_isDecodedByteForByte() {
        for (BodyCodec codec : ALL) {
            for (int length : new int[] {0, 1, 2, 100, 511, 512, 1_000, 100_000}) {
                for (byte[] body : List.of(bytes(length, length), repeated(length), marked(length))) {
                    byte[] stored = codec.encode(PLACE, body);
                    assertThat(BOTH.decode(PLACE, stored))
                            .as("%s %d", codec, length)
                            .isEqualTo(body);
                }
            }
        }
    }

    @Test
    void texts_areDecodedCharacterForCharacter() {
        for (BodyCodec codec : ALL) {
            for (String text : List.of("", "perdure:", "perdure:9QA=", "refund 19,00 €? 🧾", LONG)) {
                String stored = codec.encode(PLACE, text);
                assertThat(BOTH.decode(PLACE, stored)).as("%s", codec).isEqualTo(text);
            }
        }
    }

    @Test
    void plain_leavesJsonAsItIs() {
        assertThat(PLAIN.encode(PLACE, utf8(LONG))).isEqualTo(utf8(LONG));
        assertThat(PLAIN.encode(PLACE, LONG)).isEqualTo(LONG);
        assertThat(BodyCodec.isEncoded(utf8(LONG))).isFalse();
    }

    @Test
    void compress_onlyWhenItPays() {
        String random = Base64.getEncoder().encodeToString(bytes(1_000, 3));
        assertThat(COMPRESSED.encode(PLACE, utf8(random))).hasSizeLessThan(random.length());
        assertThat(COMPRESSED.encode(PLACE, random)).isEqualTo(random);
        assertThat(COMPRESSED.encode(PLACE, repeated(511))).isEqualTo(repeated(511));
        assertThat(COMPRESSED.encode(PLACE, bytes(10_000, 3))).isEqualTo(bytes(10_000, 3));
        assertThat(COMPRESSED.encode(PLACE, repeated(10_000))).hasSizeLessThan(100);
        assertThat(BOTH.encode(PLACE, repeated(10_000))).hasSizeLessThan(150);
    }

    @Test
    void encrypted_showsTheKeysIdAndNoContent() {
        String stored = new String(ENCRYPTED.encode(PLACE, utf8(SECRET)), StandardCharsets.ISO_8859_1);

        assertThat(stored).contains("2026-01").doesNotContain("refund", "1900");
    }

    @Test
    void encrypted_isAnotherEachTime() {
        assertThat(Stream.generate(() -> HexFormat.of().formatHex(ENCRYPTED.encode(PLACE, utf8(SECRET))))
                        .limit(100))
                .doesNotHaveDuplicates();
    }

    /** What this version has written is read by every later one. */
    @Test
    void recordsOfThisVersion_areReadForEver() {
        BodyCodec reading = PLAIN.decrypt(KeySource.of(FIRST));
        String compressed = "perdure:9QEAAAJHeAGrVsrLL0lVslIqyUhVKEpNK81LUchPUzC0NDBQSE7NKynWURiVGQ0D/OlAqRYA20u6Dw==";
        String encrypted =
                "perdure:9QIHMjAyNi0wMRStGuxux01ssQ43lFOobrS2O04oXS0yWCPmHHJVruBoG1ok319eMYrBoc4YtseVjqPDorc=";
        String both = "perdure:9QMHMjAyNi0wMbwcWaD+vS4a8QnxRTV2mL4a8t3EPnyeJSEg5UBB1KevRL/oSHsby4g+n1bEYk3McCwTOHYSeaD/"
                + "AwJZB9PxL3wWiAP+P/xUchQy5KtvKEGF/YGEOQ==";
        String fingerprint = "9QIHMjAyNi0wMbKTzfg9ajGvvwd/g1lfA8a8PA6sv3zfZ6oPX7+noDwv";

        assertThat(reading.decode(PLACE, compressed)).isEqualTo(LONG);
        assertThat(reading.decode(PLACE, encrypted)).isEqualTo(SECRET);
        assertThat(reading.decode(PLACE, both)).isEqualTo(LONG);
        assertThat(reading.matches(SESSION, Base64.getDecoder().decode(fingerprint), utf8(LONG)))
                .isTrue();
        assertThat(ENCRYPTED.address(SESSION, new BlobRef("ab".repeat(32), 3)))
                .isEqualTo("5427d83c1a6a36ea2aa9203412ddb0b581295499191e42bf48e48d37841b0729");
    }

    @Test
    void aFlippedBitAnywhere_isAnError() {
        for (BodyCodec codec : List.of(ENCRYPTED, BOTH)) {
            byte[] stored = codec.encode(PLACE, utf8(LONG));
            for (int bit = 8; bit < stored.length * 8; bit++) {
                byte[] flipped = stored.clone();
                flipped[bit / 8] ^= (byte) (1 << bit % 8);
                assertUnreadable(codec, flipped);
            }
        }
    }

    @Test
    void aRecordThatWasCutOff_isAnError() {
        for (BodyCodec codec : List.of(COMPRESSED, ENCRYPTED, BOTH)) {
            byte[] stored = codec.encode(PLACE, utf8(LONG));
            for (int length = 1; length < stored.length; length++) {
                assertUnreadable(codec, Arrays.copyOf(stored, length));
            }
            assertUnreadable(codec, Arrays.copyOf(stored, stored.length + 1));
        }
    }

    @Test
    void aTextThatWasCutOffOrChanged_isAnError() {
        String stored = BOTH.encode(PLACE, LONG);
        for (String changed : List.of(
                stored.substring(0, stored.length() - 4),
                stored.substring(0, stored.length() - 5),
                "perdure:",
                "perdure:e30=",
                stored + "AAAA",
                stored + "!")) {
            assertThatThrownBy(() -> BOTH.decode(PLACE, changed)).isInstanceOf(StoreException.class);
        }
    }

    /** Some bits between the data and its checksum mean nothing. */
    @Test
    void compressed_withAChangedBody_isAnErrorOrTheSame() {
        byte[] stored = COMPRESSED.encode(PLACE, utf8(LONG));
        int errors = 0;
        for (int bit = 8; bit < stored.length * 8; bit++) {
            byte[] flipped = stored.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            try {
                assertThat(COMPRESSED.decode(PLACE, flipped)).isEqualTo(utf8(LONG));
            } catch (StoreException | UnsupportedFormatException e) {
                errors++;
            }
        }
        assertThat(errors).isGreaterThan((stored.length - 1) * 8 - 8);
    }

    @Test
    void aRecordThatClaimsToBeHuge_takesNoMemory() {
        byte[] stored = COMPRESSED.encode(PLACE, utf8(LONG));
        ByteBuffer.wrap(stored).putInt(2, Integer.MAX_VALUE);
        assertUnreadable(COMPRESSED, stored);
    }

    @Test
    void aRecordThatIsMoreThanItClaims_isNotInflated() {
        byte[] stored = COMPRESSED.encode(PLACE, new byte[50_000_000]);
        ByteBuffer.wrap(stored).putInt(2, 1_000);
        assertUnreadable(COMPRESSED, stored);
    }

    @Test
    void aFormOfANewerVersion_isRefusedNotGuessed() {
        byte[] stored = COMPRESSED.encode(PLACE, utf8(LONG));
        stored[1] |= 4;
        assertThatThrownBy(() -> COMPRESSED.decode(PLACE, stored))
                .isInstanceOf(UnsupportedFormatException.class)
                .hasMessageContaining("event 7 of acme/ticket-1")
                .hasMessageContaining("upgrade");
    }

    @Test
    void aRecordAtAnotherPlace_isAnError() {
        SessionId other = SessionId.of("acme", "ticket-2");
        List<BodyPlace> places = List.of(
                PLACE,
                BodyPlace.event(other, 7, EVENT, 2, "NoteKept"),
                BodyPlace.event(SessionId.of("beta", "ticket-1"), 7, EVENT, 2, "NoteKept"),
                BodyPlace.event(SessionId.of("acm", "eticket-1"), 7, EVENT, 2, "NoteKept"),
                BodyPlace.event(SESSION, 8, EVENT, 2, "NoteKept"),
                BodyPlace.event(SESSION, 7, EventId.parse("00000000-0000-4000-8000-000000000008"), 2, "NoteKept"),
                BodyPlace.event(SESSION, 7, EVENT, 3, "NoteKept"),
                BodyPlace.event(SESSION, 7, EVENT, 2, "ToolFinished"),
                BodyPlace.item(SESSION, "k", Event.InputKind.MESSAGE, Actor.user("ann")),
                BodyPlace.item(SESSION, "l", Event.InputKind.MESSAGE, Actor.user("ann")),
                BodyPlace.item(SESSION, "k", Event.InputKind.INTERRUPT, Actor.user("ann")),
                BodyPlace.item(SESSION, "k", Event.InputKind.MESSAGE, Actor.user("bob")),
                BodyPlace.item(SESSION, "k", Event.InputKind.MESSAGE, new Actor(Actor.Kind.SYSTEM, "ann")),
                BodyPlace.arguments(question("k", Question.Kind.APPROVAL, "refund")),
                BodyPlace.text(question("k", Question.Kind.APPROVAL, "refund")),
                BodyPlace.text(question("l", Question.Kind.APPROVAL, "refund")),
                BodyPlace.text(question("k", Question.Kind.IN_DOUBT, "refund")),
                BodyPlace.text(question("k", Question.Kind.APPROVAL, "search")),
                BodyPlace.blob(SESSION, new BlobRef("a".repeat(64), 3)),
                BodyPlace.blob(SESSION, new BlobRef("b".repeat(64), 3)),
                BodyPlace.blob(other, new BlobRef("a".repeat(64), 3)));
        for (BodyPlace written : places) {
            byte[] stored = ENCRYPTED.encode(written, utf8(SECRET));
            for (BodyPlace read : places) {
                if (read == written) {
                    assertThat(ENCRYPTED.decode(read, stored)).isEqualTo(utf8(SECRET));
                } else {
                    assertThatThrownBy(() -> ENCRYPTED.decode(read, stored))
                            .as("%s read as %s", written, read)
                            .isInstanceOf(StoreException.class);
                }
            }
        }
    }

    @Test
    void wrongBytesForAKey_areAnErrorThatNamesPlaceAndKey() {
        BodyCodec wrong = PLAIN.encrypt(KeySource.of(KeySource.Key.of("2026-01", bytes(32, 9))));
        assertError(wrong, "event 7 of acme/ticket-1", "2026-01");
    }

    @Test
    void aKeyThatIsNotThere_isAnErrorThatNamesPlaceAndKeyAndRemedy() {
        BodyCodec without = PLAIN.encrypt(KeySource.of(SECOND));
        assertError(without, "event 7 of acme/ticket-1", "2026-01", "does not have", "add it there");
    }

    @Test
    void aStoreWithoutKeys_saysWhichItNeeds() {
        assertError(PLAIN, "event 7 of acme/ticket-1", "2026-01", "without keys", "BodyCodec");
    }

    private static void assertError(BodyCodec codec, String... words) {
        byte[] stored = ENCRYPTED.encode(PLACE, utf8(SECRET));
        StoreException e = catchThrowableOfType(StoreException.class, () -> codec.decode(PLACE, stored));
        assertThat(e).hasMessageContainingAll(words);
        assertThat(e.retryable()).isFalse();
        assertThat(e.findSession()).contains(SESSION);
        assertThat(e.toString()).doesNotContain("refund", "1900");
    }

    @Test
    void aKeySourceThatFails_isRetryable() {
        KeySource failing = new KeySource() {
            @Override
            public Key current(TenantId tenant) {
                throw new IllegalStateException("no answer");
            }

            @Override
            public Optional<Key> find(TenantId tenant, String keyId) {
                throw new IllegalStateException("no answer");
            }
        };
        byte[] stored = ENCRYPTED.encode(PLACE, utf8(SECRET));

        StoreException read = catchThrowableOfType(
                StoreException.class, () -> PLAIN.encrypt(failing).decode(PLACE, stored));
        StoreException written = catchThrowableOfType(
                StoreException.class, () -> PLAIN.encrypt(failing).encode(PLACE, stored));

        assertThat(read.retryable()).isTrue();
        assertThat(read).hasMessageContaining("2026-01").hasRootCauseMessage("no answer");
        assertThat(written.retryable()).isTrue();
    }

    @Test
    void afterARotation_theNewKeyWritesAndTheOldOneReads() {
        BodyCodec rotated = PLAIN.encrypt(KeySource.of(SECOND, FIRST));

        assertThat(rotated.decode(PLACE, ENCRYPTED.encode(PLACE, utf8(SECRET)))).isEqualTo(utf8(SECRET));
        assertThat(new String(rotated.encode(PLACE, utf8(SECRET)), StandardCharsets.ISO_8859_1))
                .contains("2026-02");
    }

    /** So that all processes of a fleet can read before the first one encrypts. */
    @Test
    void decrypt_readsWhatIsEncryptedAndWritesInClear() {
        BodyCodec reading = PLAIN.decrypt(KeySource.of(FIRST));

        assertThat(reading.decode(PLACE, ENCRYPTED.encode(PLACE, utf8(SECRET)))).isEqualTo(utf8(SECRET));
        assertThat(reading.encode(PLACE, utf8(SECRET))).isEqualTo(utf8(SECRET));
        assertThat(reading.fingerprint(SESSION, utf8(SECRET))).isEqualTo(PLAIN.fingerprint(SESSION, utf8(SECRET)));
    }

    @Test
    void fingerprint_isRecognisedUnderAnyKeyThatIsStillThere() {
        byte[] clear = PLAIN.fingerprint(SESSION, utf8(SECRET));
        byte[] keyed = ENCRYPTED.fingerprint(SESSION, utf8(SECRET));
        BodyCodec rotated = PLAIN.encrypt(KeySource.of(SECOND, FIRST));
        BodyCodec lost = PLAIN.encrypt(KeySource.of(SECOND));

        assertThat(keyed).hasSizeLessThanOrEqualTo(BodyCodec.HEAD + 32);
        for (byte[] known : List.of(clear, keyed)) {
            assertThat(rotated.matches(SESSION, known, utf8(SECRET))).isTrue();
            assertThat(rotated.matches(SESSION, known, utf8(SECRET + "!"))).isFalse();
        }
        assertThat(lost.matches(SESSION, clear, utf8(SECRET))).isTrue();
        assertThatThrownBy(() -> lost.matches(SESSION, keyed, utf8(SECRET)))
                .isInstanceOf(StoreException.class)
                .hasMessageContainingAll("acme/ticket-1", "2026-01");
    }

    /** Nobody who only reads the database can try out what was sent, or whether two sessions were sent the same. */
    @Test
    void keyedHashes_areOfTheirSessionAndKey() {
        BlobRef blob = new BlobRef("ab".repeat(32), 3);
        SessionId other = SessionId.of("acme", "ticket-2");
        BodyCodec second = PLAIN.encrypt(KeySource.of(SECOND));

        assertThat(Stream.of(
                        blob.sha256(),
                        ENCRYPTED.address(SESSION, blob),
                        ENCRYPTED.address(other, blob),
                        second.address(SESSION, blob)))
                .doesNotHaveDuplicates()
                .allMatch(address -> address.matches("[0-9a-f]{64}"));
        assertThat(ENCRYPTED.address(SESSION, blob)).isEqualTo(ENCRYPTED.address(SESSION, blob));
        assertThat(ENCRYPTED.fingerprint(SESSION, utf8("yes")))
                .isNotEqualTo(ENCRYPTED.fingerprint(other, utf8("yes")))
                .isEqualTo(ENCRYPTED.fingerprint(SESSION, utf8("yes")));
    }

    @Test
    void addresses_areThoseOfAllKeysThatWereUsed() {
        BlobRef blob = new BlobRef("ab".repeat(32), 3);
        byte[] head = Arrays.copyOf(ENCRYPTED.encode(PLACE, new byte[1_000]), BodyCodec.HEAD);
        BodyCodec rotated = PLAIN.encrypt(KeySource.of(SECOND, FIRST));

        assertThat(rotated.addresses(SESSION, blob, List.of(head, new byte[3], head)))
                .containsExactlyInAnyOrder(blob.sha256(), ENCRYPTED.address(SESSION, blob));
        assertThatThrownBy(() -> PLAIN.addresses(SESSION, blob, List.of(head)))
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("2026-01");
    }

    @Test
    void keys_areNeverShown() {
        byte[] secret = bytes(32, 1);
        String shown = FIRST + " " + KeySource.of(FIRST, SECOND) + " " + BOTH + " " + new SessionKeys.Cache() + " "
                + SessionKeys.derive(FIRST, SESSION);

        assertThat(shown)
                .contains("2026-01")
                .doesNotContain(
                        HexFormat.of().formatHex(secret),
                        Base64.getEncoder().encodeToString(secret),
                        Arrays.toString(secret));
    }

    @Test
    void aKeyIs32BytesAndHasAShortName() {
        assertThatThrownBy(() -> KeySource.Key.of("k", new byte[31]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the key k has 31 bytes; it must have 32");
        for (String id : List.of("", "a b", "ä", "k".repeat(129))) {
            assertThatThrownBy(() -> KeySource.Key.of(id, new byte[32]))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("1 to 128 letters");
        }
        assertThatThrownBy(() -> KeySource.of(FIRST, FIRST))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("2026-01");
    }

    @Test
    void aKeyKeepsItsBytes_whateverBecomesOfTheArray() {
        byte[] secret = bytes(32, 1);
        KeySource.Key key = KeySource.Key.of("2026-01", secret);
        Arrays.fill(secret, (byte) 0);

        assertThat(key).isEqualTo(FIRST);
    }

    @Test
    void theLongestKeyId_fitsIntoTheHead() {
        BodyCodec codec = PLAIN.encrypt(KeySource.of(KeySource.Key.of("k".repeat(128), bytes(32, 1))));
        byte[] stored = codec.encode(PLACE, utf8(SECRET));

        assertThat(codec.decode(PLACE, stored)).isEqualTo(utf8(SECRET));
        assertThat(Envelope.findKeyId(Arrays.copyOf(stored, BodyCodec.HEAD))).contains("k".repeat(128));
    }

    /** RFC 5869, appendix A.1. */
    @Test
    void derivation_isHkdf() {
        byte[] okm = SessionKeys.hkdf(
                HexFormat.of().parseHex("0b".repeat(22)),
                HexFormat.of().parseHex("000102030405060708090a0b0c"),
                HexFormat.of().parseHex("f0f1f2f3f4f5f6f7f8f9"),
                42);

        assertThat(HexFormat.of().formatHex(okm))
                .isEqualTo("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    }

    @Test
    void moreSessionsThanAreKept_areAllRead() {
        List<BodyPlace> places = IntStream.range(0, 1_100)
                .mapToObj(i -> BodyPlace.event(SessionId.of("acme", "s" + i), 1, EVENT, 0, "NoteKept"))
                .toList();
        List<byte[]> stored = places.stream()
                .map(place -> ENCRYPTED.encode(place, utf8(SECRET)))
                .toList();

        for (int i = 0; i < places.size(); i++) {
            assertThat(ENCRYPTED.decode(places.get(i), stored.get(i))).isEqualTo(utf8(SECRET));
        }
    }

    /** A store error, or a form that a newer version may have; never other bytes. */
    private static void assertUnreadable(BodyCodec codec, byte[] stored) {
        assertThatThrownBy(() -> codec.decode(PLACE, stored))
                .isInstanceOfAny(StoreException.class, UnsupportedFormatException.class)
                .hasMessageContaining("event 7 of acme/ticket-1")
                .hasMessageNotContainingAny("refund", "1900");
    }

    private static Question question(String key, Question.Kind kind, String tool) {
        return new Question(new QuestionId(SESSION, key), kind, CallId.of(EVENT, 0), tool, "{}", "text", Instant.EPOCH);
    }

    private static byte[] bytes(int length, long seed) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static byte[] repeated(int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) '7');
        return bytes;
    }

    /** Begins as an envelope does. */
    private static byte[] marked(int length) {
        byte[] bytes = bytes(length, length + 1L);
        byte[] mark = Envelope.head(true, null);
        System.arraycopy(mark, 0, bytes, 0, Math.min(mark.length, length));
        return bytes;
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}

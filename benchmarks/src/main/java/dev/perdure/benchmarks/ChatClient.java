package dev.perdure.benchmarks;

/** A client library, used as its manual says, with one client object for all calls. */
interface ChatClient {
    String name();

    /** Asks for a reply in one piece. */
    Answer call(String model) throws Exception;

    /** Asks for a stream, and puts together what comes. */
    default Answer stream(String model) throws Exception {
        throw new UnsupportedOperationException(name() + " is not measured with streams");
    }
}

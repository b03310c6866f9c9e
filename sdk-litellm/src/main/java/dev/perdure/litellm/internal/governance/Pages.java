package dev.perdure.litellm.internal.governance;

import dev.perdure.session.Json;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * The elements of a list that comes in pages, the next page fetched when its first element is asked for. The gateway pages by number, newest first: what is added
 * meanwhile pushes elements onto the next page, where they come again and are left out. Confined to one thread.
 */
public final class Pages implements Iterator<Json> {
    /** Most elements that every route of LiteLLM gives at a time. */
    public static final int SIZE = 100;

    private final IntFunction<Page> fetch;
    private final Function<Json, String> id;
    private final Deque<Json> ready = new ArrayDeque<>();
    private final Set<String> seen = new HashSet<>();
    private int next = 1;
    private boolean last;

    private Pages(IntFunction<Page> fetch, Function<Json, String> id) {
        this.fetch = fetch;
        this.id = id;
    }

    /** @param pages how many there are in all */
    public record Page(List<Json> elements, long pages) {}

    /**
     * @param fetch gives a page by its number, from 1
     * @param id by which an element is known
     */
    public static Stream<Json> of(IntFunction<Page> fetch, Function<Json, String> id) {
        Pages pages = new Pages(fetch, id);
        return StreamSupport.stream(
                Spliterators.spliteratorUnknownSize(pages, Spliterator.ORDERED | Spliterator.NONNULL), false);
    }

    @Override
    public boolean hasNext() {
        while (ready.isEmpty() && !last) {
            Page page = fetch.apply(next);
            for (Json element : page.elements()) {
                if (seen.add(id.apply(element))) {
                    ready.add(element);
                }
            }
            last = page.elements().isEmpty() || next >= page.pages();
            next++;
        }
        return !ready.isEmpty();
    }

    @Override
    public Json next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        return ready.remove();
    }
}

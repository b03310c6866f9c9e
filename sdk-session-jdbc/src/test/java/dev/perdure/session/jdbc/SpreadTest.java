package dev.perdure.session.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SpreadTest {
    private final Spread spread = new Spread();

    @Test
    void workersThatLoseMostOfAPage_lookFarther_upTo16Pages_andComeBackWhenTheyLoseNothing() {
        assertThat(spread.window(10)).isEqualTo(10);
        spread.taken(4, 10);
        assertThat(spread.window(10)).isEqualTo(20);
        spread.taken(5, 10);
        assertThat(spread.window(10)).isEqualTo(20);
        for (int i = 0; i < 10; i++) {
            spread.taken(0, 10);
        }
        assertThat(spread.window(10)).isEqualTo(160);
        for (int i = 0; i < 10; i++) {
            spread.taken(10, 10);
        }
        assertThat(spread.window(10)).isEqualTo(10);
        assertThat(spread.window(Integer.MAX_VALUE)).isEqualTo(Integer.MAX_VALUE);
    }

    @Test
    void someOfTheCandidates_areByChance_inTheirOrder_andAllWhenTheyAreFew() {
        List<Integer> candidates = IntStream.range(0, 100).boxed().toList();
        int[] times = new int[100];
        for (int i = 0; i < 1_000; i++) {
            List<Integer> some = Spread.some(candidates, 20);
            assertThat(some).hasSize(20).isSorted().doesNotHaveDuplicates();
            some.forEach(candidate -> times[candidate]++);
        }
        // 200 on average, with a deviation of 13.
        assertThat(times).satisfies(all -> assertThat(IntStream.of(all)).allMatch(n -> n > 120 && n < 280));
        assertThat(Spread.some(candidates, 100)).isEqualTo(candidates);
        assertThat(Spread.some(List.of(), 3)).isEmpty();
    }
}

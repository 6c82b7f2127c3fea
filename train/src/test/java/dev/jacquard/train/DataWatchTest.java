package dev.jacquard.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.data.StageTimes;
import dev.jacquard.data.StageTimes.Stage;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class DataWatchTest {
    private static final long MS = 1_000_000;
    private final AtomicLong time = new AtomicLong();
    private final DataWatch watch = new DataWatch(time::get);
    private long waited;

    /** A batch that was waited for, and then a loss that was. */
    private void step(long waitMillis, long lossMillis) {
        waited += waitMillis * MS;
        watch.fed(waited);
        time.addAndGet(lossMillis * MS);
        watch.computed();
    }

    @Test
    void waitsBesideABusyDeviceCostNothing() {
        step(40, 0);
        step(500, 3);
        step(60, 0);
        assertEquals(0.1, watch.line(1, StageTimes.NONE, 1).waited(), 1e-12);
        step(50, 0);
        assertEquals(0.05, watch.line(2, StageTimes.NONE, 1).waited(), 1e-12, "of the time since the line before");
        assertEquals(0, watch.line(3, StageTimes.NONE, 1).waited());
    }

    @Test
    void anotherStagesLoaderCountsFromNothing() {
        step(900, 0);
        watch.line(1, StageTimes.NONE, 1);
        watch.begin();
        waited = 0;
        step(20, 0);
        assertEquals(0.02, watch.line(2, StageTimes.NONE, 1).waited(), 1e-12);
    }

    @Test
    void onlyWhatStaysIsWorthSaying() {
        DataShare much = new DataShare(0.2, Stage.DECODE, 310, 1);
        DataShare little = new DataShare(0.01, Stage.DECODE, 310, 1);
        assertFalse(watch.worthSaying(much), "a beginning");
        assertFalse(watch.worthSaying(little));
        assertFalse(watch.worthSaying(much));
        assertTrue(watch.worthSaying(much));
        assertFalse(watch.worthSaying(new DataShare(0.2, null, 0, 1)), "nothing was done");
    }

    @Test
    void theTextNamesTheStageAndWhatHelps() {
        DataShare share = new DataShare(0.234, Stage.DECODE, 309.6, 1);
        assertEquals("23 % of the time waiting for data: decode, 310 images/s per core, 1 loader thread", share.text());
        assertTrue(share.advice(8).startsWith("raise --loader-threads (1 of 8 processors), store smaller images"), share.advice(8));
        assertTrue(share.advice(1).startsWith("store smaller images"), share.advice(1));
        for (Stage s : Stage.values()) {
            assertFalse(new DataShare(0.5, s, 1, 1).advice(4).isEmpty());
            assertFalse(new DataShare(0.5, s, 1, 4).advice(4).endsWith(", "));
        }
        assertNull(watch.line(1, StageTimes.NONE, 1).slowest());
        assertEquals("0 % of the time waiting for data", watch.line(2, StageTimes.NONE, 0).text());
    }
}

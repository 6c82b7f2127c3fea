package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.jacquard.data.StageTimes.Stage;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class StageClockTest {
    private final AtomicLong wall = new AtomicLong(1_000);
    private final AtomicLong cpu = new AtomicLong(50);
    private final StageClock clock = new StageClock(wall::get, cpu::get);

    private void passes(long nanos, Stage stage) {
        wall.addAndGet(nanos);
        clock.lap(stage);
    }

    @Test
    void timeGoesToTheStageThatEnds() {
        clock.start();
        for (int i = 0; i < 4; i++) {
            passes(1_000_000, Stage.READ);
            passes(6_000_000, Stage.DECODE);
            passes(2_000_000, Stage.RESIZE);
            cpu.addAndGet(4_000_000);
            clock.images(1);
        }
        passes(500, Stage.ROOM);
        StageTimes times = clock.times();
        assertEquals(4, times.images());
        assertEquals(24_000_000, times.nanos(Stage.DECODE));
        assertEquals(500, times.nanos(Stage.ROOM));
        assertEquals(Optional.of(Stage.DECODE), times.slowest());
        assertEquals(1_000, times.perSecond(Stage.READ), 1e-9, "the disk's time is real time");
        assertEquals(1 / 0.003, times.perSecond(Stage.DECODE), 1e-6, "a thread with a processor for half of the time");
        assertEquals(0, times.perSecond(Stage.AUGMENT));
        assertEquals(1 / 0.005, times.perSecond(), 1e-6);
    }

    @Test
    void timesAddUpAndPartAgain() {
        clock.start();
        passes(70, Stage.DECODE);
        clock.images(3);
        StageTimes early = clock.times();
        passes(30, Stage.DECODE);
        clock.images(2);
        StageTimes both = early.plus(clock.times());
        assertEquals(8, both.images());
        assertEquals(170, both.nanos(Stage.DECODE));
        assertEquals(30, clock.times().since(early).nanos(Stage.DECODE));
        assertEquals(2, clock.times().since(early).images());
        assertEquals(Optional.empty(), StageTimes.NONE.slowest());
        assertEquals(0, StageTimes.NONE.perSecond());
    }
}

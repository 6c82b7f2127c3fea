package dev.jacquard.layers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.jacquard.tensor.CallerException;
import java.util.List;
import org.junit.jupiter.api.Test;

class ScheduleTest {
    @Test
    void cosineWarmsUpAndEndsAtTheEnd() {
        Schedule s = Schedule.cosine(0.8, 4, 12, 0.1);
        assertEquals(0.2, s.lr(0), 1e-15);
        assertEquals(0.8, s.lr(3), 1e-15);
        assertEquals(0.8, s.lr(4), 1e-15);
        assertEquals(0.45, s.lr(8), 1e-15);
        assertEquals(0.1 + 0.35 * (1 + Math.cos(Math.PI * 7 / 8)), s.lr(11), 1e-15);
        assertEquals(0.1, s.lr(12), 0);
        assertEquals(0.1, s.lr(1000), 0);
    }

    @Test
    void cosineMayBeAllWarmUpOrNone() {
        assertEquals(0.5, Schedule.cosine(1, 2, 2, 0).lr(0), 0);
        assertEquals(0, Schedule.cosine(1, 2, 2, 0).lr(2), 0);
        assertEquals(1, Schedule.cosine(1, 0, 10, 0).lr(0), 0);
        assertThrows(CallerException.class, () -> Schedule.cosine(1, 3, 2, 0));
    }

    @Test
    void stepsFallAtMilestones() {
        Schedule s = Schedule.steps(1, 2, List.of(30L, 60L), 0.1);
        assertEquals(0.5, s.lr(0), 0);
        assertEquals(1, s.lr(29), 0);
        assertEquals(0.1, s.lr(30), 1e-15);
        assertEquals(0.01, s.lr(60), 1e-15);
        assertEquals(3, Schedule.constant(3).lr(99), 0);
    }
}

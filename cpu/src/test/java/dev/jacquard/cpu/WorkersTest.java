package dev.jacquard.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;

class WorkersTest {
    @Test
    void everyChunkRunsOnceInEveryRegion() {
        try (Workers workers = new Workers(3)) {
            for (int region = 0; region < 2000; region++) {
                int chunks = region % 17;
                AtomicIntegerArray seen = new AtomicIntegerArray(chunks);
                workers.run((chunk, worker) -> {
                    assertTrue(worker >= 0 && worker < 3);
                    seen.incrementAndGet(chunk);
                }, chunks);
                for (int i = 0; i < chunks; i++) {
                    assertEquals(1, seen.get(i), "region " + region + " chunk " + i);
                }
            }
        }
    }

    @Test
    void exceptionReachesTheCallerAndTheTeamSurvives() {
        try (Workers workers = new Workers(2)) {
            assertThrows(ArithmeticException.class, () -> workers.run((chunk, worker) -> {
                if (chunk == 5) {
                    throw new ArithmeticException();
                }
            }, 50));
            AtomicInteger count = new AtomicInteger();
            workers.run((chunk, worker) -> count.incrementAndGet(), 50);
            assertEquals(50, count.get());
        }
    }

    @Test
    void nestedRegionRunsInline() {
        try (Workers workers = new Workers(2)) {
            AtomicInteger count = new AtomicInteger();
            workers.run((chunk, worker) -> {
                Thread outer = Thread.currentThread();
                workers.run((inner, same) -> {
                    assertEquals(outer, Thread.currentThread());
                    assertEquals(worker, same);
                    count.incrementAndGet();
                }, 3);
            }, 7);
            assertEquals(21, count.get());
        }
    }

    @Test
    void callersTakeTurns() throws InterruptedException {
        try (Workers workers = new Workers(2)) {
            int[] plain = new int[1];
            Runnable caller = () -> {
                for (int i = 0; i < 300; i++) {
                    AtomicInteger inside = new AtomicInteger();
                    workers.run((chunk, worker) -> inside.incrementAndGet(), 4);
                    assertEquals(4, inside.get());
                    workers.run((chunk, worker) -> plain[0]++, 1);
                }
            };
            Thread[] threads = {new Thread(caller), new Thread(caller), new Thread(caller)};
            for (Thread t : threads) {
                t.start();
            }
            for (Thread t : threads) {
                t.join();
            }
            assertEquals(900, plain[0]);
        }
    }

    @Test
    void closedTeamRunsOnTheCaller() {
        Workers workers = new Workers(4);
        workers.close();
        AtomicInteger count = new AtomicInteger();
        workers.run((chunk, worker) -> count.addAndGet(worker + 1), 10);
        assertEquals(10, count.get());
    }
}

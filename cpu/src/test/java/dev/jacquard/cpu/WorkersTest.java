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

    /** What a worker wrote in one region is in its cache in the next. */
    @Test
    void aWorkerBeginsWithItsOwnPart() {
        try (Workers workers = new Workers(2)) {
            for (int region = 0; region < 100; region++) {
                AtomicIntegerArray first = new AtomicIntegerArray(new int[] {-1, -1});
                workers.run((chunk, worker) -> {
                    first.compareAndSet(worker, -1, chunk);
                    while (first.get(0) < 0 || first.get(1) < 0) {
                        Thread.onSpinWait();
                    }
                }, 9);
                assertEquals(0, first.get(0));
                assertEquals(4, first.get(1));
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

    /** Most of the team is late in most regions: none of them may be missed, and none may enter a region that is over. */
    @Test
    void aTeamOfManyMoreThreadsThanProcessors() {
        try (Workers workers = new Workers(24)) {
            int[] seen = new int[40];
            for (int region = 1; region <= 3000; region++) {
                workers.run((chunk, worker) -> seen[chunk]++, region % 40 + 1);
            }
            for (int chunk = 0; chunk < seen.length; chunk++) {
                int expected = 0;
                for (int region = 1; region <= 3000; region++) {
                    expected += region % 40 >= chunk ? 1 : 0;
                }
                assertEquals(expected, seen[chunk], "chunk " + chunk);
            }
        }
    }

    @Test
    void whoHoldsTheTeamHasItAlone() throws InterruptedException {
        try (Workers workers = new Workers(2)) {
            int[] plain = new int[2];
            Runnable caller = () -> {
                for (int i = 0; i < 200; i++) {
                    workers.hold();
                    workers.hold();
                    int before = plain[0];
                    for (int region = 0; region < 5; region++) {
                        workers.run((chunk, worker) -> plain[chunk]++, 2);
                    }
                    assertEquals(before + 5, plain[0]);
                    workers.release();
                    assertEquals(before + 5, plain[1]);
                    workers.release();
                }
            };
            Thread[] threads = {new Thread(caller), new Thread(caller), new Thread(caller)};
            for (Thread t : threads) {
                t.start();
            }
            for (Thread t : threads) {
                t.join();
            }
            assertEquals(3000, plain[0]);
            assertEquals(3000, plain[1]);
        }
    }

    @Test
    void exceptionLeavesTheTeamHeldAndReady() {
        try (Workers workers = new Workers(2)) {
            workers.hold();
            try {
                assertThrows(ArithmeticException.class, () -> workers.run((chunk, worker) -> {
                    throw new ArithmeticException();
                }, 1));
                AtomicInteger count = new AtomicInteger();
                workers.run((chunk, worker) -> count.incrementAndGet(), 9);
                assertEquals(9, count.get());
            } finally {
                workers.release();
            }
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

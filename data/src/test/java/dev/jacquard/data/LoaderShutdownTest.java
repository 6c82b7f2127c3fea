package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.EngineBugException;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** However a loader ends, no thread of it is left, and nobody waits for good. */
@Timeout(60)
class LoaderShutdownTest {
    private static final Transform.Train TRAIN = Transform.Train.of(12, 0.5);
    private static final byte[] IMAGE = TestImages.encoded(20, 20, "png");

    /** A source of good images; what happens at one of them is the test's. */
    private static class Images extends TestImages.Source {
        Images(int count) {
            super(Collections.nCopies(count, IMAGE));
        }
    }

    private static void assertNoThreads() {
        assertEquals(List.of(), Thread.getAllStackTraces().keySet().stream().filter(t -> t.isAlive() && t.getName().startsWith("jacquard-loader")).map(Thread::getName).toList());
    }

    @Test
    void closeEndsAThreadThatHangsInARead() throws InterruptedException {
        CountDownLatch hangs = new CountDownLatch(1);
        ImageSource source = new Images(20) {
            @Override
            public void read(int index, Encoded into) {
                hangs.countDown();
                try {
                    new CountDownLatch(1).await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException("interrupted", e);
                }
            }
        };
        Loader loader = Loader.train(source, TRAIN).batch(4).threads(2).open();
        AtomicReference<RuntimeException> got = new AtomicReference<>();
        Thread consumer = Thread.ofPlatform().start(() -> {
            try {
                loader.next(); // starts the threads, and waits for them
            } catch (RuntimeException e) {
                got.set(e);
            }
        });
        hangs.await();
        loader.close();
        consumer.join();
        assertInstanceOf(CallerException.class, got.get());
        assertNoThreads();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 5})
    void closingBeforeOrDuringAnEpochLeavesNoThread(int batches) {
        for (int i = 0; i < 20; i++) {
            Loader loader = Loader.train(new Images(40), TRAIN).batch(8).threads(4).open();
            Batch last = null;
            for (int b = 0; b < batches; b++) {
                last = loader.next();
            }
            loader.close();
            assertTrue(last == null || !last.images().scope().isAlive());
        }
        assertNoThreads();
    }

    @Test
    void anImageThatBreaksThePipelineEndsTheRunByName() {
        ImageSource source = new Images(24) {
            @Override
            public void read(int index, Encoded into) {
                if (index == 17) {
                    throw new ArrayIndexOutOfBoundsException("a mistake of ours");
                }
                super.read(index, into);
            }
        };
        try (Loader loader = Loader.evaluate(source, Transform.Eval.of(12)).batch(4).threads(3).open()) {
            for (int i = 0; i < 4; i++) {
                assertEquals(4, loader.next().count());
            }
            EngineBugException e = assertThrows(EngineBugException.class, loader::next);
            assertEquals("test/17", e.op());
        }
        assertNoThreads();
    }

    @Test
    void workersStopWhenTheRingIsFull() throws InterruptedException {
        CountDownLatch full = new CountDownLatch(3 * 4);
        AtomicInteger reads = new AtomicInteger();
        ImageSource source = new Images(400) {
            @Override
            public void read(int index, Encoded into) {
                reads.incrementAndGet();
                full.countDown();
                super.read(index, into);
            }
        };
        try (Loader loader = Loader.train(source, TRAIN).batch(4).threads(4).depth(3).open()) {
            loader.next();
            full.await();
            Thread.sleep(50); // whoever goes on too far does so now
            assertEquals(3 * 4, reads.get(), "three batches of four, the consumer's included");
            loader.next();
            while (reads.get() < 16) {
                Thread.onSpinWait();
            }
            assertFalse(reads.get() > 16);
        }
        assertNoThreads();
    }
}

package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.EngineBugException;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class LoaderTest {
    private static final Transform.Train TRAIN = Transform.Train.of(12, 0.5);
    private static final Transform.Eval EVAL = Transform.Eval.of(12);

    /** What a batch held. */
    private record Seen(Position position, int count, List<Integer> samples, List<Integer> labels, int pixels) {
        static Seen of(Batch b) {
            return new Seen(b.position(), b.count(), IntStream.range(0, b.count()).mapToObj(b::sample).toList(),
                    IntStream.range(0, b.count()).mapToObj(b::label).toList(), Arrays.hashCode(b.images().toArray(ValueLayout.JAVA_BYTE)));
        }
    }

    @ParameterizedTest
    @CsvSource({"3, 3, 0", "1, 2, 0", "4, 8, 0", "1, 3, 1000000", "3, 3, 1000000", "2, 3, 4000"})
    void trainingDoesNotDependOnThreadsDepthOrCache(int threads, int depth, long cache) {
        TestImages.Source source = source(50, 7, 20, 21);
        List<Seen> expected;
        try (Loader loader = Loader.train(source, TRAIN).batch(8).seed(5).threads(1).open()) {
            expected = epochs(loader, 3);
        }
        assertEquals(18, expected.size());
        try (Loader loader = Loader.train(source, TRAIN).batch(8).seed(5).threads(threads).depth(depth).cacheDecoded(cache).open()) {
            assertEquals(expected, epochs(loader, 3));
        }
    }

    @ParameterizedTest
    @CsvSource({"2, 3", "4, 8"})
    void augmentationDoesNotDependOnThreads(int threads, int depth) {
        TestImages.Source source = source(50, 7);
        Transform.Train augmented = TRAIN.with(Augmentation.autoAugment(OperationRules.PYTORCH));
        List<Seen> expected;
        try (Loader loader = Loader.train(source, augmented).batch(8).seed(5).threads(1).open(); Loader plain = Loader.train(source, TRAIN).batch(8).seed(5).open()) {
            expected = epochs(loader, 3);
            List<Seen> other = epochs(plain, 3);
            assertEquals(other.stream().map(Seen::samples).toList(), expected.stream().map(Seen::samples).toList());
            assertNotEquals(other, expected);
        }
        try (Loader loader = Loader.train(source, augmented).batch(8).seed(5).threads(threads).depth(depth).open()) {
            assertEquals(expected, epochs(loader, 3));
        }
    }

    @Test
    void aStageGoesOnWhereTheLastOneEndedAndDecodesNothingAgain() {
        AtomicInteger reads = new AtomicInteger();
        ImageSource source = new ForwardingSource(source(30, 3)) {
            @Override
            public byte[] bytes(int index) {
                reads.incrementAndGet();
                return super.bytes(index);
            }
        };
        List<Seen> whole;
        try (Loader loader = Loader.train(source, TRAIN).batch(8).seed(9).open()) {
            whole = epochs(loader, 4);
        }
        reads.set(0);
        ImageCache cache = new ImageCache(source, 1 << 20);
        List<Seen> staged = new ArrayList<>();
        Position position = Position.START;
        for (int stage = 0; stage < 2; stage++) {
            Transform.Train t = Transform.Train.of(12 + 8 * stage, 0.5).with(Augmentation.randAugment(2, 5 + 5 * stage));
            try (Loader loader = Loader.train(source, t).batch(8).seed(9).threads(2).cache(cache).open()) {
                loader.seek(position);
                staged.addAll(epochs(loader, 2));
                position = loader.position();
            }
        }
        assertEquals(whole.stream().map(Seen::samples).toList(), staged.stream().map(Seen::samples).toList());
        assertEquals(whole.stream().map(Seen::position).toList(), staged.stream().map(Seen::position).toList());
        assertTrue(reads.get() <= 30 + 2, reads + " reads of 30 images; two threads may once want the same one");
        assertEquals(1, cache.badImages());
        assertThrows(CallerException.class, () -> Loader.train(source(30), TRAIN).cache(cache));
    }

    @Test
    void epochsAndSeedsDiffer() {
        TestImages.Source source = source(50);
        try (Loader loader = Loader.train(source, TRAIN).batch(10).seed(5).open(); Loader other = Loader.train(source, TRAIN).batch(10).seed(6).open()) {
            List<Seen> seen = epochs(loader, 2);
            List<Integer> first = seen.subList(0, 5).stream().flatMap(s -> s.samples.stream()).toList();
            List<Integer> second = seen.subList(5, 10).stream().flatMap(s -> s.samples.stream()).toList();
            assertEquals(50, new HashSet<>(first).size());
            assertEquals(50, new HashSet<>(second).size());
            assertNotEquals(first, second);
            assertNotEquals(seen.subList(0, 5), epochs(other, 1));
        }
    }

    @Test
    void augmentationDiffersByEpoch() {
        TestImages.Source one = source(1);
        try (Loader loader = Loader.train(one, TRAIN).batch(1).open()) {
            assertTrue(new HashSet<>(epochs(loader, 5).stream().map(Seen::pixels).toList()).size() > 3);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 5, 6, 11, 12, 17})
    void resumingIsExact(int at) {
        TestImages.Source source = source(50, 3, 44);
        try (Loader whole = Loader.train(source, TRAIN).batch(8).seed(9).threads(2).open(); Loader resumed = Loader.train(source, TRAIN).batch(8).seed(9).threads(2).open()) {
            List<Seen> expected = epochs(whole, 4);
            Position position = expected.get(at).position;
            resumed.seek(position);
            assertEquals(position, resumed.position());
            List<Seen> rest = new ArrayList<>();
            while (at + rest.size() < expected.size()) {
                Batch b = resumed.next();
                if (b != null) {
                    rest.add(Seen.of(b));
                }
            }
            assertEquals(expected.subList(at, expected.size()), rest);
            resumed.seek(new Position(1, 2)); // from the middle of prefetching
            assertEquals(expected.get(8), Seen.of(resumed.next()));
        }
    }

    @Test
    void positionRunsWithTheBatches() {
        try (Loader loader = Loader.train(source(20), TRAIN).batch(10).open()) {
            assertEquals(2, loader.batchesPerEpoch());
            assertEquals(Position.START, loader.position());
            loader.next();
            assertEquals(new Position(0, 1), loader.position());
            loader.next();
            assertEquals(new Position(1, 0), loader.position());
            assertNull(loader.next());
            assertEquals(new Position(1, 0), loader.position());
            assertEquals(new Position(1, 0), loader.next().position());
            assertThrows(CallerException.class, () -> loader.seek(new Position(0, 2)));
        }
    }

    @Test
    void evaluationKeepsTheOrderAndThePartialBatch() {
        try (Loader loader = Loader.evaluate(source(21), EVAL).batch(8).threads(3).open()) {
            for (int epoch = 0; epoch < 2; epoch++) {
                List<Integer> samples = new ArrayList<>();
                int[] counts = {8, 8, 5};
                for (int n : counts) {
                    Batch b = loader.next();
                    assertEquals(n, b.count());
                    assertEquals(epoch, b.position().epoch());
                    for (int i = 0; i < n; i++) {
                        samples.add(b.sample(i));
                        assertEquals(b.sample(i) % 3, b.label(i));
                    }
                    long used = n * 12L * 12 * 3;
                    assertEquals(-1, b.images().asSlice(used).mismatch(java.lang.foreign.MemorySegment.ofArray(new byte[(int) (b.images().byteSize() - used)])));
                    assertEquals(0, b.images().address() % 64);
                }
                assertNull(loader.next());
                assertEquals(IntStream.range(0, 21).boxed().toList(), samples);
            }
        }
    }

    @Test
    void evaluationLeavesBadImagesOut() {
        TestImages.Source clean = source(20);
        TestImages.Source source = source(20, 0, 2, 8, 9, 10, 11, 19);
        try (Loader loader = Loader.evaluate(source, EVAL).batch(4).threads(2).open(); Loader single = Loader.evaluate(clean, EVAL).batch(1).open()) {
            List<Integer> samples = new ArrayList<>();
            for (Batch b; (b = loader.next()) != null;) {
                assertTrue(b.count() > 0);
                for (int i = 0; i < b.count(); i++) {
                    samples.add(b.sample(i));
                    single.seek(new Position(0, b.sample(i)));
                    byte[] expected = single.next().images().toArray(ValueLayout.JAVA_BYTE);
                    byte[] actual = b.images().asSlice(i * b.imageBytes(), b.imageBytes()).toArray(ValueLayout.JAVA_BYTE);
                    assertArrayEquals(expected, actual, "sample " + b.sample(i));
                }
            }
            assertEquals(List.of(1, 3, 4, 5, 6, 7, 12, 13, 14, 15, 16, 17, 18), samples);
            assertEquals(7, loader.badImages());
        }
    }

    @Test
    void trainingFillsBadPlacesWithTheNextGoodImage() {
        Set<Integer> bad = Set.of(3, 4, 11);
        int[] order = SampleRandom.permutation(16, 2, 0);
        List<Integer> expected = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            int k = i;
            while (bad.contains(order[k % 16])) {
                k++;
            }
            expected.add(order[k % 16]);
        }
        try (Loader loader = Loader.train(source(16, 3, 4, 11), TRAIN).batch(4).seed(2).threads(2).open()) {
            List<Seen> seen = epochs(loader, 1);
            assertEquals(expected, seen.stream().flatMap(s -> s.samples.stream()).toList());
            assertEquals(expected.stream().map(s -> s % 3).toList(), seen.stream().flatMap(s -> s.labels.stream()).toList());
            assertEquals(3, loader.badImages());
        }
    }

    @Test
    void allBadIsAnError() {
        int[] all = IntStream.range(0, 30).toArray();
        try (Loader loader = Loader.train(source(30, all), TRAIN).batch(4).threads(2).open()) {
            assertEquals("no image of the data set decodes", assertThrows(DataException.class, loader::next).problem());
        }
        try (Loader loader = Loader.evaluate(source(30, all), EVAL).batch(4).threads(2).open()) {
            assertEquals("no image of the data set decodes", assertThrows(DataException.class, loader::next).problem());
        }
    }

    @Test
    void aWorkersExceptionReachesTheConsumer() {
        IllegalStateException thrown = new IllegalStateException("disk on fire");
        TestImages.Source good = source(20);
        ImageSource failing = new ForwardingSource(good) {
            @Override
            public byte[] bytes(int index) {
                if (index == 13) {
                    throw thrown;
                }
                return super.bytes(index);
            }
        };
        try (Loader loader = Loader.evaluate(failing, EVAL).batch(4).threads(2).open()) {
            for (int i = 0; i < 3; i++) {
                assertEquals(4, loader.next().count());
            }
            EngineBugException e = assertThrows(EngineBugException.class, loader::next);
            assertSame(thrown, e.getCause());
            assertEquals("test/13", e.op());
        }
    }

    @Test
    void closeEndsTheThreads() {
        TestImages.Source source = source(40);
        Loader loader = Loader.train(source, TRAIN).batch(8).threads(3).open();
        Batch batch = loader.next();
        loader.close();
        loader.close();
        assertFalse(batch.images().scope().isAlive());
        assertThrows(CallerException.class, loader::next);
        assertTrue(Thread.getAllStackTraces().keySet().stream().noneMatch(t -> t.getName().startsWith("jacquard-loader") && t.isAlive()));
    }

    @Test
    void memoryIsUsedAgain() {
        try (Loader loader = Loader.train(source(24), TRAIN).batch(4).threads(2).depth(3).open()) {
            Set<Long> addresses = new HashSet<>();
            for (int i = 0; i < 60; i++) {
                if (loader.next() instanceof Batch b) {
                    addresses.add(b.images().address());
                }
            }
            assertEquals(3, addresses.size());
        }
    }

    @Test
    void badOptionsAreRefused() {
        TestImages.Source source = source(5);
        assertThrows(DataException.class, () -> Loader.train(source, TRAIN).batch(6).open());
        assertThrows(CallerException.class, () -> Loader.train(source, TRAIN).batch(0));
        assertThrows(CallerException.class, () -> Loader.train(source, TRAIN).threads(0));
        assertThrows(CallerException.class, () -> Loader.train(source, TRAIN).depth(1));
        try (Loader loader = Loader.evaluate(source, EVAL).batch(6).open()) {
            assertEquals(1, loader.batchesPerEpoch());
            assertEquals(5, loader.next().count());
        }
    }

    @Test
    @Timeout(20)
    void aThreadThatEndsIsAnErrorAndNoWait() {
        ImageSource broken = new ForwardingSource(source(12)) {
            @Override
            public int size() {
                if (Thread.currentThread().getName().startsWith("jacquard-loader")) {
                    throw new OutOfMemoryError("no room for the order"); // when a thread readies a batch, not when it decodes an image
                }
                return super.size();
            }
        };
        try (Loader loader = Loader.train(broken, TRAIN).batch(4).threads(2).open()) {
            assertEquals("no room for the order", assertThrows(OutOfMemoryError.class, loader::next).getMessage());
        }
    }

    private static List<Seen> epochs(Loader loader, int epochs) {
        List<Seen> seen = new ArrayList<>();
        for (int e = 0; e < epochs; e++) {
            for (Batch b; (b = loader.next()) != null;) {
                seen.add(Seen.of(b));
            }
        }
        return seen;
    }

    /** PNGs of different sizes, some of them cut short. */
    private static TestImages.Source source(int size, int... bad) {
        List<byte[]> files = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            byte[] file = TestImages.encoded(13 + i % 7, 14 + i % 5, i % 2 == 0 ? "png" : "jpg");
            int index = i;
            files.add(IntStream.of(bad).anyMatch(b -> b == index) ? Arrays.copyOf(file, file.length / 2) : file);
        }
        return new TestImages.Source(files);
    }

    /** A source that answers as another does. */
    private static class ForwardingSource implements ImageSource {
        private final ImageSource source;

        ForwardingSource(ImageSource source) {
            this.source = source;
        }

        @Override
        public int size() {
            return source.size();
        }

        @Override
        public byte[] bytes(int index) {
            return source.bytes(index);
        }

        @Override
        public List<int[]> shards() {
            return source.shards();
        }

        @Override
        public int label(int index) {
            return source.label(index);
        }

        @Override
        public String name(int index) {
            return source.name(index);
        }

        @Override
        public List<String> classes() {
            return source.classes();
        }

        @Override
        public void close() {}
    }

    @Test
    void jpegsAreTurnedUprightIfAskedTo() {
        byte[] plain = TestImages.encoded(8, 8, "jpg");
        byte[][] first = new byte[2][];
        for (int upright = 0; upright < 2; upright++) {
            ImageSource source = new TestImages.Source(List.of(TestImages.oriented(plain, 3)));
            try (Loader loader = Loader.evaluate(source, Transform.Eval.shorterSide(8, 8)).batch(1).upright(upright == 1).open()) {
                first[upright] = loader.next().images().toArray(ValueLayout.JAVA_BYTE);
            }
        }
        for (int i = 0; i < 64; i++) {
            for (int c = 0; c < 3; c++) {
                assertEquals(first[0][3 * i + c], first[1][3 * (63 - i) + c], "half a turn");
            }
        }
        assertFalse(Arrays.equals(first[0], first[1]));
    }
}

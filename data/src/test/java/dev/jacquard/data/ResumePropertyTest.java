package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.CallerException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a batch holds does not depend on threads, caches, where a run was resumed, nor on how many ranks share it: for every kind of source, at positions drawn by chance from a
 * fixed seed.
 */
@Timeout(120)
class ResumePropertyTest {
    private static final int IMAGES = 61;
    private static final int EPOCHS = 3;
    private static final Transform.Train TRAIN = Transform.Train.of(10, 0.5).with(Augmentation.randAugment(1, 6));

    @TempDir
    Path dir;

    /** What a batch held. */
    private record Seen(Position position, List<Integer> samples, List<Integer> labels, int pixels) {
        static Seen of(Batch b) {
            return new Seen(b.position(), IntStream.range(0, b.count()).mapToObj(b::sample).toList(), IntStream.range(0, b.count()).mapToObj(b::label).toList(),
                    Arrays.hashCode(b.images().asSlice(0, b.count() * b.imageBytes()).toArray(ValueLayout.JAVA_BYTE)));
        }
    }

    /** The same images, two of them bad, as each kind of source has them. */
    private ImageSource source(String kind) {
        StringBuilder list = new StringBuilder();
        List<Tars> shards = List.of(new Tars(), new Tars(), new Tars(), new Tars());
        for (int i = 0; i < IMAGES; i++) {
            byte[] file = TestImages.encoded(11 + i % 7, 12 + i % 5, i % 2 == 0 ? "png" : "jpg");
            file = i == 13 || i == 44 ? Arrays.copyOf(file, file.length / 2) : file;
            String name = "class" + i % 3 + "/" + i + (i % 2 == 0 ? ".png" : ".jpg");
            list.append(name).append('\t').append("class").append(i % 3).append('\n');
            switch (kind) {
                case "folder", "list" -> TestImages.write(dir.resolve("images").resolve(name), file);
                case "shards", "sequential", "concatenation" -> shards.get(i * i % 4).file(name, file); // of different sizes, one empty
                default -> throw new IllegalArgumentException(kind);
            }
        }
        for (int s = 0; s < 4; s++) {
            TestImages.write(dir.resolve("shards/" + s + ".tar"), shards.get(s).bytes());
        }
        TestImages.write(dir.resolve("images/list.txt"), list.toString().getBytes());
        return switch (kind) {
            case "folder" -> ImageSource.open(dir.resolve("images"));
            case "list" -> ImageSource.open(dir.resolve("images/list.txt"));
            case "shards" -> ImageSource.open(dir.resolve("shards/*.tar").toString());
            case "sequential" -> ImageSource.open(dir.resolve("shards/{0..3}.tar").toString()).sequential(9);
            default -> ImageSource.open(dir.resolve("shards/0.tar") + "," + dir.resolve("shards/1.tar")).sequential(4);
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"folder", "list", "shards", "sequential", "concatenation"})
    void resumingAnywhereIsBitwise(String kind) {
        try (ImageSource source = source(kind)) {
            List<Seen> expected;
            try (Loader loader = Loader.train(source, TRAIN).batch(6).seed(11).threads(1).open()) {
                expected = rest(loader, EPOCHS * loader.batchesPerEpoch());
            }
            assertNotEquals(expected.get(0).samples, expected.get(expected.size() / EPOCHS).samples, "each epoch has an order of its own");
            Random random = new Random(4711);
            for (int threads : new int[] {1, 2, 4}) {
                for (long cache : new long[] {0, 3000, 1 << 20}) {
                    try (Loader loader = Loader.train(source, TRAIN).batch(6).seed(11).threads(threads).depth(2 + random.nextInt(3)).cacheDecoded(cache).open()) {
                        for (int i = 0; i < 4; i++) {
                            int at = i == 0 ? 0 : random.nextInt(expected.size());
                            loader.seek(expected.get(at).position);
                            int count = i == 0 ? expected.size() : 1 + random.nextInt(expected.size() - at);
                            assertEquals(expected.subList(at, at + count), rest(loader, count), kind + ", " + threads + " threads, cache " + cache + ", from batch " + at);
                        }
                    }
                }
            }
        }
    }

    /** Large images, of which a decoder may leave out parts and sizes, and of which it looks at less once they are known to be good. */
    @ParameterizedTest
    @EnumSource(Decoding.class)
    void whatADecoderLeavesOutChangesNothing(Decoding decoding) {
        ImageSource source = new TestImages.Source(IntStream.range(0, 24).mapToObj(i -> TestImages.encoded(230 + 17 * i, 500 - 13 * i, "jpg")).toList());
        Transform.Train small = Transform.Train.imagenet(20);
        List<Seen> expected;
        try (Loader loader = Loader.train(source, small).batch(4).seed(8).threads(1).decoding(decoding).open()) {
            expected = rest(loader, EPOCHS * loader.batchesPerEpoch());
        }
        Random random = new Random(99);
        for (int threads : new int[] {1, 2, 4}) {
            for (long cache : new long[] {0, 1 << 20, 1 << 28}) {
                try (Loader loader = Loader.train(source, small).batch(4).seed(8).threads(threads).decoding(decoding).cacheDecoded(cache).open()) {
                    int at = random.nextInt(expected.size());
                    loader.seek(expected.get(at).position);
                    assertEquals(expected.subList(at, expected.size()), rest(loader, expected.size() - at), decoding + ", " + threads + " threads, cache " + cache
                            + ", from batch " + at);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"shards", "sequential"})
    void ranksShareWhatOneWouldDo(String kind) {
        try (ImageSource source = source(kind)) {
            for (int ranks : new int[] {2, 3}) {
                List<Seen> one;
                try (Loader whole = Loader.train(source, TRAIN).batch(4 * ranks).seed(3).threads(2).open()) {
                    one = rest(whole, 2 * whole.batchesPerEpoch());
                }
                List<List<Seen>> shares = new ArrayList<>();
                for (int rank = 0; rank < ranks; rank++) {
                    try (Loader share = Loader.train(source, TRAIN).batch(4).rank(rank, ranks).seed(3).threads(2).open()) {
                        assertEquals(IMAGES / (4 * ranks), share.batchesPerEpoch());
                        shares.add(rest(share, one.size()));
                    }
                }
                for (int k = 0; k < one.size(); k++) {
                    int batch = k;
                    assertEquals(one.get(k).samples, shares.stream().flatMap(s -> s.get(batch).samples.stream()).toList());
                    assertEquals(one.get(k).labels, shares.stream().flatMap(s -> s.get(batch).labels.stream()).toList());
                }
            }
        }
    }

    @Test
    void ranksShareAnEvaluationWithEqualNumbersOfBatches() {
        try (ImageSource source = source("shards")) {
            List<Integer> all = new ArrayList<>();
            for (int rank = 0; rank < 4; rank++) {
                try (Loader share = Loader.evaluate(source, Transform.Eval.of(10)).batch(6).rank(rank, 4).threads(2).open()) {
                    assertEquals(3, share.batchesPerEpoch());
                    int batches = 0;
                    for (Batch b; (b = share.next()) != null; batches++) {
                        for (int i = 0; i < b.count(); i++) {
                            all.add(b.sample(i));
                        }
                    }
                    assertEquals(3, batches);
                }
            }
            Collections.sort(all);
            assertEquals(IMAGES - 2, all.size(), "all but the bad ones");
            assertEquals(all.size(), new HashSet<>(all).size());
        }
        try (ImageSource source = source("folder")) {
            assertThrows(CallerException.class, () -> Loader.train(source, TRAIN).rank(2, 2));
            assertThrows(CallerException.class, () -> Loader.train(source, TRAIN).batch(31).rank(0, 2).open());
        }
    }

    @Test
    void aSequentialEpochTakesEverySampleOnceInAnOrderOfItsOwn() {
        try (ImageSource source = source("sequential")) {
            HashSet<List<Integer>> orders = new HashSet<>();
            for (int epoch = 0; epoch < 20; epoch++) {
                int[] order = source.order(5, epoch, 0);
                assertEquals(IMAGES, Arrays.stream(order).distinct().count());
                orders.add(Arrays.stream(order).boxed().toList());
            }
            assertEquals(20, orders.size());
        }
    }

    /** The disk sees nearly every image once, in the order in which they lie there. */
    @Test
    void readingIsSequential() {
        int n = 400;
        List<Integer> reads = new ArrayList<>();
        AtomicInteger direct = new AtomicInteger();
        ImageSource disk = new TestImages.Source(IntStream.range(0, n).mapToObj(i -> new byte[] {(byte) i, (byte) (i >> 8)}).toList()) {
            @Override
            public void read(int index, Encoded into) {
                reads.add(index);
                into.refer(bytes(index));
            }

            @Override
            public List<int[]> shards() {
                return List.of(IntStream.range(0, 150).toArray(), IntStream.range(150, n).toArray());
            }
        };
        try (ImageSource source = disk.sequential(20)) {
            Encoded into = new Encoded();
            int taken = 0;
            for (int sample : source.order(1, 0, 0)) {
                source.read(sample, into);
                taken++;
                assertEquals(sample, (into.bytes()[0] & 255) + (into.bytes()[1] << 8));
                assertTrue(reads.size() <= taken + 20, "no more than the buffer is ahead");
            }
        }
        assertEquals(n, reads.size(), "each once");
        for (int i = 1; i < n; i++) {
            direct.addAndGet(reads.get(i) == reads.get(i - 1) + 1 ? 0 : 1);
        }
        assertEquals(1, direct.get(), "jumps between the shards");
        reads.clear();
        try (ImageSource source = disk.sequential(20)) {
            int[] order = source.order(1, 0, 300);
            for (int k = 300; k < n; k++) {
                source.read(order[k], new Encoded());
            }
        }
        assertEquals(100, reads.size(), "a run that begins in the middle reads nothing of what is behind it");
    }

    private static List<Seen> rest(Loader loader, int count) {
        List<Seen> seen = new ArrayList<>();
        while (seen.size() < count) {
            Batch b = loader.next();
            if (b != null) {
                seen.add(Seen.of(b));
            }
        }
        return seen;
    }
}

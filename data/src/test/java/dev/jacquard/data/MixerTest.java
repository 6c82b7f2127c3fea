package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.jacquard.data.Mixing.Form;
import dev.jacquard.tensor.CallerException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MixerTest {
    private static final int N = 9;

    /** What a batch got. */
    private record Drawn(int[] partners, float[] weights, int[] boxes, int[] partnerLabels, float[] labelWeights) {
        static Drawn of(Mixer m) {
            return new Drawn(m.partners().toArray(ValueLayout.JAVA_INT), m.weights().toArray(ValueLayout.JAVA_FLOAT), m.boxes().toArray(ValueLayout.JAVA_INT),
                    m.partnerLabels().toArray(ValueLayout.JAVA_INT), m.labelWeights().toArray(ValueLayout.JAVA_FLOAT));
        }

        void assertSame(Drawn other) {
            assertArrayEquals(partners, other.partners);
            assertArrayEquals(weights, other.weights);
            assertArrayEquals(boxes, other.boxes);
            assertArrayEquals(partnerLabels, other.partnerLabels);
            assertArrayEquals(labelWeights, other.labelWeights);
        }

        int area(int i) {
            return (boxes[4 * i + 2] - boxes[4 * i]) * (boxes[4 * i + 3] - boxes[4 * i + 1]);
        }
    }

    /** Labels 100, 101, ... */
    private static MemorySegment labels(int n) {
        return MemorySegment.ofArray(IntStream.range(100, 100 + n).toArray());
    }

    private static Drawn draw(Mixing mixing, int n, long seed, Position at) {
        try (Mixer m = new Mixer(mixing, n, 32, 48, seed)) {
            m.draw(at, labels(n));
            return Drawn.of(m);
        }
    }

    private static int[] reversed(int n) {
        return IntStream.range(0, n).map(i -> n - 1 - i).toArray();
    }

    private static int[] sorted(int... values) {
        int[] copy = values.clone();
        Arrays.sort(copy);
        return copy;
    }

    @Test
    void pyTorchsMixupHasOneWeightAndAPermutation() {
        Drawn first = draw(new Mixing(0.2, 0, Form.PYTORCH), N, 1, Position.START);
        for (int batch = 0; batch < 50; batch++) {
            Drawn d = draw(new Mixing(0.2, 0, Form.PYTORCH), N, 1, new Position(0, batch));
            assertArrayEquals(IntStream.range(0, N).toArray(), sorted(d.partners));
            for (int i = 0; i < N; i++) {
                assertEquals(d.weights[0], d.weights[i]);
                assertEquals(100 + d.partners[i], d.partnerLabels[i]);
                assertEquals(0, d.area(i));
            }
            assertArrayEquals(d.weights, d.labelWeights);
            assertTrue(batch == 0 || first.weights[0] != d.weights[0], "batch " + batch + " has the first one's weight");
        }
    }

    @Test
    void pyTorchsWeightsAreNotFolded() {
        long below = IntStream.range(0, 200).filter(b -> draw(new Mixing(1, 0, Form.PYTORCH), 2, 1, new Position(0, b)).weights[0] < 0.5).count();
        assertTrue(below > 70 && below < 130, below + " of 200 weights are below a half");
    }

    @Test
    void everyPermutationIsAsLikely() {
        int[] seen = new int[27];
        for (int b = 0; b < 6000; b++) {
            int[] p = draw(new Mixing(1, 0, Form.PYTORCH), 3, 7, new Position(0, b)).partners;
            seen[p[0] * 9 + p[1] * 3 + p[2]]++;
        }
        int[] counts = Arrays.stream(seen).filter(c -> c > 0).toArray();
        assertEquals(6, counts.length);
        double chi = Arrays.stream(counts).mapToDouble(c -> (c - 1000.0) * (c - 1000.0) / 1000).sum();
        assertTrue(chi < 15.1, "chi square with 5 degrees of freedom is " + chi + ", above the 99 % quantile");
    }

    @Test
    void tensorFlowsMixupHasFoldedWeightsAndTheReversedBatch() {
        Drawn d = draw(new Mixing(0.2, 0, Form.TENSORFLOW), N, 1, Position.START);
        assertArrayEquals(reversed(N), d.partners);
        assertArrayEquals(IntStream.range(0, N).map(i -> 100 + N - 1 - i).toArray(), d.partnerLabels);
        assertArrayEquals(d.weights, d.labelWeights);
        assertEquals(N, IntStream.range(0, N).mapToObj(i -> d.weights[i]).distinct().count());
        for (float w : d.weights) {
            assertTrue(w >= 0.5 && w <= 1, "weight " + w);
        }
    }

    @ParameterizedTest
    @EnumSource(Form.class)
    void cutmixWeighsEachLabelByWhatIsLeftOfItsImage(Form form) {
        Drawn d = draw(new Mixing(0, 1, form), N, 3, Position.START);
        assertArrayEquals(IntStream.range(0, N).toArray(), sorted(d.partners));
        assertEquals(form == Form.TENSORFLOW, Arrays.equals(reversed(N), d.partners));
        for (int i = 0; i < N; i++) {
            assertEquals(1, d.weights[i]);
            assertEquals(1 - d.area(i) / (32.0 * 48), d.labelWeights[i], 1e-7);
            assertTrue(d.boxes[4 * i] >= 0 && d.boxes[4 * i + 1] >= 0 && d.boxes[4 * i + 2] <= 32 && d.boxes[4 * i + 3] <= 48, "box " + i + " leaves the image");
        }
        assertTrue(IntStream.range(0, N).mapToObj(i -> d.labelWeights[i]).distinct().count() > 1, "weights are the batch's, not the images'");
    }

    @ParameterizedTest
    @EnumSource(Form.class)
    void bothTakeHalfOfTheBatchEachAndKeepToIt(Form form) {
        Drawn d = draw(new Mixing(0.2, 1, form), N, 4, Position.START);
        assertArrayEquals(new int[] {0, 1, 2, 3}, sorted(Arrays.copyOf(d.partners, 4)));
        assertArrayEquals(new int[] {4, 5, 6, 7, 8}, sorted(Arrays.copyOfRange(d.partners, 4, N)));
        for (int i = 0; i < N; i++) {
            assertEquals(i < 4 ? d.weights[i] : 1, i < 4 ? d.labelWeights[i] : d.weights[i]);
            assertTrue(i >= 4 || d.area(i) == 0);
        }
        assertTrue(IntStream.range(4, N).anyMatch(i -> d.area(i) > 0));
        if (form == Form.TENSORFLOW) {
            assertArrayEquals(new int[] {3, 2, 1, 0, 8, 7, 6, 5, 4}, d.partners);
        }
    }

    @Test
    void oneImageIsItsOwnPartner() {
        Drawn d = draw(new Mixing(0.2, 1, Form.PYTORCH), 1, 4, Position.START);
        assertArrayEquals(new int[] {0}, d.partners);
        assertArrayEquals(new int[] {100}, d.partnerLabels);
    }

    @ParameterizedTest
    @EnumSource(Form.class)
    void aResumedRunDrawsTheSame(Form form) {
        Mixing both = new Mixing(0.2, 1, form);
        try (Mixer m = new Mixer(both, N, 32, 48, 11)) {
            for (int epoch = 0; epoch < 2; epoch++) {
                for (int batch = 0; batch < 5; batch++) {
                    Position at = new Position(epoch, batch);
                    m.draw(at, labels(N));
                    Drawn.of(m).assertSame(draw(both, N, 11, at));
                }
            }
            m.draw(Position.START, labels(N));
            Drawn start = Drawn.of(m);
            for (Drawn other : List.of(draw(both, N, 12, Position.START), draw(both, N, 11, new Position(1, 0)), draw(both, N, 11, new Position(0, 1)))) {
                assertFalse(Arrays.equals(start.weights, other.weights) || Arrays.equals(start.boxes, other.boxes), "another seed, epoch or batch draws the same");
            }
        }
    }

    @Test
    void theFirstNumbersAreThoseThatRunsWereMadeWith() {
        Drawn d = draw(new Mixing(0.2, 1, Form.PYTORCH), 4, 1, Position.START);
        assertEquals(1579712132, Arrays.hashCode(d.weights) * 31 + Arrays.hashCode(d.boxes),
                "changing what is drawn makes every run with mixing another one: say so in CHANGES.md");
    }

    @Test
    void boxesAreThoseOfTheTensorFlowProgram() {
        String text = new String(TestImages.resource("cutmix-boxes.txt"), StandardCharsets.US_ASCII);
        int[] box = new int[4];
        List<String> lines = text.lines().toList();
        assertEquals(19, lines.size());
        for (String line : lines) {
            String[] f = line.split(" ");
            int h = Integer.parseInt(f[0]);
            int w = Integer.parseInt(f[1]);
            Mixer.cut(h, w, Integer.parseInt(f[2]), Integer.parseInt(f[3]), Double.parseDouble(f[4]), box);
            assertArrayEquals(Arrays.stream(f, 5, 9).mapToInt(Integer::parseInt).toArray(), box, line);
            assertEquals(Double.parseDouble(f[9]), Mixer.kept(h, w, box), 1e-7, line);
        }
    }

    @Test
    void drawingMakesNoGarbage() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Position at = new Position(0, 3);
        try (Arena arena = Arena.ofConfined(); Mixer m = new Mixer(new Mixing(0.2, 1, Form.PYTORCH), 64, 32, 32, 1)) {
            MemorySegment labels = arena.allocate(256, 64);
            for (int i = 0; i < 2000; i++) {
                m.draw(at, labels);
            }
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 2000; i++) {
                m.draw(at, labels);
            }
            long each = (threads.getCurrentThreadAllocatedBytes() - before) / 2000;
            assertTrue(each < 64, each + " bytes per draw");
        }
    }

    @Test
    void refusesWhatCannotBeMixed() {
        assertThrows(CallerException.class, () -> new Mixing(-0.1, 0, Form.PYTORCH));
        assertThrows(CallerException.class, () -> new Mixing(0, Double.NaN, Form.PYTORCH));
        assertFalse(Mixing.NONE.enabled());
        assertThrows(CallerException.class, () -> new Mixer(Mixing.NONE, 4, 8, 8, 1));
        assertThrows(CallerException.class, () -> new Mixer(new Mixing(1, 0, Form.PYTORCH), 0, 8, 8, 1));
        assertNotEquals(new Mixing(1, 0, Form.PYTORCH), new Mixing(1, 0, Form.TENSORFLOW));
    }
}

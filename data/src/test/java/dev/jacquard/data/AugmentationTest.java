package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.data.Augmentation.AutoAugment;
import dev.jacquard.data.Augmentation.RandAugment;
import dev.jacquard.data.Augmentation.Step;
import dev.jacquard.data.Augmentation.SubPolicy;
import dev.jacquard.tensor.CallerException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

class AugmentationTest {
    /** The table of both systems' sources as it is written down in the specification: operation, probability, level, twice. */
    private static final String V0 = """
            Equalize .8 1 ShearY .8 4
            Color .4 9 Equalize .6 3
            Color .4 1 Rotate .6 8
            Solarize .8 3 Equalize .4 7
            Solarize .4 2 Solarize .6 2
            Color .2 0 Equalize .8 8
            Equalize .4 8 SolarizeAdd .8 3
            ShearX .2 9 Rotate .6 8
            Color .6 1 Equalize 1.0 2
            Invert .4 9 Rotate .6 0
            Equalize 1.0 9 ShearY .6 3
            Color .4 7 Equalize .6 0
            Posterize .4 6 AutoContrast .4 7
            Solarize .6 8 Color .6 9
            Solarize .2 4 Rotate .8 9
            Rotate 1.0 7 TranslateY .8 9
            ShearX 0 0 Solarize .8 4
            ShearY .8 0 Color .6 4
            Color 1.0 0 Rotate .6 2
            Equalize .8 4 Equalize 0 8
            Equalize 1.0 4 AutoContrast .6 2
            ShearY .4 7 SolarizeAdd .6 7
            Posterize .8 2 Solarize .6 10
            Solarize .6 8 Equalize .6 1
            Color .8 6 Rotate .4 5
            """;

    private static final int SIZE = 24;

    private final Canvas canvas = new Canvas();
    private final SampleRandom random = new SampleRandom();
    private final RgbImage picture = muted(TestImages.pattern(SIZE, SIZE));

    @Test
    void theFirstPolicyIsTheSpecifications() {
        List<SubPolicy> expected = new ArrayList<>();
        for (String line : V0.strip().split("\n")) {
            String[] w = line.split(" ");
            expected.add(new SubPolicy(new Step(named(w[0]), Double.parseDouble(w[1]), Double.parseDouble(w[2])),
                    new Step(named(w[3]), Double.parseDouble(w[4]), Double.parseDouble(w[5]))));
        }
        assertEquals(25, expected.size());
        assertEquals(expected, AutoAugment.V0);
    }

    @Test
    void subPoliciesAreChosenUniformlyAndStepsByTheirProbability() {
        // Sub-policy 0 inverts in 0.3 of the cases, 1 posterizes to black in 0.8 and then inverts in 0.5.
        Step none = new Step(Operation.INVERT, 0, 0);
        AutoAugment a = new AutoAugment(List.of(new SubPolicy(none, new Step(Operation.INVERT, 0.3, 0)),
                new SubPolicy(new Step(Operation.POSTERIZE, 0.8, 0), new Step(Operation.INVERT, 0.5, 0))), OperationRules.PYTORCH);
        byte[] black = new byte[picture.pixels().length];
        byte[] white = new byte[black.length];
        Arrays.fill(white, (byte) 255);
        byte[] negative = made(Operation.INVERT, 0, OperationRules.PYTORCH);
        int[] counts = new int[4];
        int n = 8000;
        for (int i = 0; i < n; i++) {
            byte[] out = augmented(a, i);
            counts[Arrays.equals(out, black) ? 0 : Arrays.equals(out, white) ? 1 : Arrays.equals(out, negative) ? 2 : 3]++;
        }
        assertEquals(0.5 * 0.8 * 0.5, counts[0] / (double) n, 0.02);
        assertEquals(0.5 * 0.8 * 0.5, counts[1] / (double) n, 0.02);
        assertEquals(0.5 * 0.3 + 0.5 * 0.2 * 0.5, counts[2] / (double) n, 0.02);
    }

    @Test
    void randAugmentDrawsSixteenOperationsAndNoneEquallyOften() {
        OperationRules rules = OperationRules.TENSORFLOW.translate(8).cutout(9);
        Augmentation one = new RandAugment(1, 3, rules);
        List<byte[]> results = new ArrayList<>(); // the sixteen, Cutout's unused; then none; then the other directions
        for (Operation o : Operation.values()) {
            results.add(o == Operation.CUTOUT ? null : made(o, 3, rules));
        }
        results.add(picture.pixels());
        List<Operation> directed = Arrays.stream(Operation.values()).filter(Operation::hasDirection).toList();
        directed.forEach(o -> results.add(made(o, -3, rules)));
        int[] counts = new int[results.size()];
        int n = 17_000;
        for (int i = 0; i < n; i++) {
            byte[] out = augmented(one, i);
            int found = 0;
            while (found < counts.length && (results.get(found) == null || !Arrays.equals(out, results.get(found)))) {
                found++;
            }
            counts[found < counts.length ? found : Operation.CUTOUT.ordinal()]++;
        }
        for (int i = 0; i < counts.length; i++) {
            boolean half = i > 16 || i < 16 && Operation.values()[i].hasDirection();
            assertEquals(half ? 500 : 1000, counts[i], half ? 90 : 130, "result " + i + " of " + Arrays.toString(counts));
        }
    }

    @Test
    void layersFollowEachOther() {
        assertArrayEquals(picture.pixels(), augmented(new RandAugment(0, 10, OperationRules.TENSORFLOW_RANDAUGMENT), 5));
        long changed = 0;
        for (int i = 0; i < 2000; i++) {
            changed += Arrays.equals(picture.pixels(), augmented(Augmentation.randAugment(2, 9.3), i)) ? 0 : 1;
        }
        // Two of seventeen draws are none: (1/17)^2, and two negatives or mirrored moves may cancel.
        assertTrue(changed > 1960 && changed < 2000, changed + " of 2000 changed");
    }

    @Test
    void aPictureIsAFunctionOfSeedEpochAndSample() {
        Transform.Train t = Transform.Train.of(16, 0.3).with(Augmentation.autoAugment(OperationRules.PYTORCH));
        try (ImageWorker a = new ImageWorker(t, 1 << 20); ImageWorker b = new ImageWorker(t, 1 << 20)) {
            byte[] x = new byte[16 * 16 * 3];
            byte[] y = new byte[x.length + 7];
            int different = 0;
            for (int i = 0; i < 200; i++) {
                a.transform(picture, 1, 2, i, MemorySegment.ofArray(x), 0);
                b.transform(TestImages.pattern(40, 30), 1, 2, i, MemorySegment.ofArray(y), 0);
                b.transform(picture, 1, 2, i, MemorySegment.ofArray(y), 7);
                assertArrayEquals(x, Arrays.copyOfRange(y, 7, y.length));
                b.transform(picture, 1, 3, i, MemorySegment.ofArray(y), 7);
                different += Arrays.equals(x, Arrays.copyOfRange(y, 7, y.length)) ? 0 : 1;
            }
            assertTrue(different > 190, different + " of 200 differ by epoch");
        }
    }

    @Test
    void cropAndMirroringAreThoseWithoutAugmentation() {
        Transform.Train plain = Transform.Train.of(16, 0.3);
        Transform.Train augmented = plain.with(new AutoAugment(List.of(new SubPolicy(new Step(Operation.INVERT, 1, 0), new Step(Operation.INVERT, 0, 0))), OperationRules.PYTORCH));
        try (ImageWorker a = new ImageWorker(plain, 1 << 20); ImageWorker b = new ImageWorker(augmented, 1 << 20)) {
            byte[] x = new byte[16 * 16 * 3];
            byte[] y = new byte[x.length];
            for (int i = 0; i < 50; i++) {
                a.transform(picture, 4, 0, i, MemorySegment.ofArray(x), 0);
                b.transform(picture, 4, 0, i, MemorySegment.ofArray(y), 0);
                for (int k = 0; k < x.length; k++) {
                    assertEquals(255, (x[k] & 255) + (y[k] & 255));
                }
            }
        }
    }

    @Test
    void badAugmentationsAreRefused() {
        assertThrows(CallerException.class, () -> Augmentation.randAugment(-1, 5));
        assertThrows(CallerException.class, () -> Augmentation.randAugment(2, 31));
        assertThrows(CallerException.class, () -> Augmentation.randAugment(2, Double.NaN));
        assertThrows(CallerException.class, () -> new AutoAugment(List.of(), OperationRules.PYTORCH));
        assertThrows(CallerException.class, () -> new Step(Operation.COLOR, 1.1, 0));
        assertThrows(CallerException.class, () -> new Step(Operation.COLOR, 1, -1));
    }

    /** With half of the contrast, so that no operation finds nothing to do. */
    private static RgbImage muted(RgbImage image) {
        byte[] p = image.pixels();
        for (int i = 0; i < p.length; i++) {
            p[i] = (byte) (40 + (p[i] & 255) / 2);
        }
        return image;
    }

    private static Operation named(String camelCase) {
        return Operation.valueOf(camelCase.replaceAll("(?<=[a-z])(?=[A-Z])", "_").toUpperCase(Locale.ROOT));
    }

    private byte[] augmented(Augmentation augmentation, int sample) {
        paint();
        Augmenter.apply(augmentation, canvas, random.at(11, 0, sample, SampleRandom.AUGMENT));
        return Arrays.copyOf(canvas.pixels(), canvas.length());
    }

    private byte[] made(Operation operation, double level, OperationRules rules) {
        paint();
        operation.apply(canvas, level, rules, random);
        return Arrays.copyOf(canvas.pixels(), canvas.length());
    }

    private void paint() {
        canvas.reset(SIZE, SIZE);
        System.arraycopy(picture.pixels(), 0, canvas.pixels(), 0, picture.pixels().length);
    }
}

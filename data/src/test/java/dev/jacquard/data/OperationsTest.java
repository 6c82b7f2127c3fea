package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.data.OperationRules.Outside;
import dev.jacquard.tensor.CallerException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;

/** The operations against Pillow and against the formulas of the TensorFlow program; the fixtures are made by src/test/scripts/make_augment_fixture.py. */
class OperationsTest {
    private final Canvas canvas = new Canvas();

    @Test
    void allOperationsAgreeWithPillowToTheBit() throws IOException {
        Map<Operation, Integer> worst = worstDifferences("augment-pillow.bin.gz", OperationRules.PYTORCH);
        worst.forEach((operation, levels) -> assertEquals(0, levels, operation + " differs by levels: " + worst));
    }

    @Test
    void allOperationsAgreeWithTensorFlowsFormulas() throws IOException {
        Map<Operation, Integer> worst = worstDifferences("augment-tf.bin.gz", OperationRules.TENSORFLOW);
        worst.forEach((operation, levels) -> assertEquals(0, levels, operation + " differs by levels: " + worst));
    }

    /** Largest difference per operation, over all cases of a fixture. */
    private Map<Operation, Integer> worstDifferences(String fixture, OperationRules rules) throws IOException {
        ByteBuffer in;
        try (GZIPInputStream stream = new GZIPInputStream(new ByteArrayInputStream(TestImages.resource(fixture)))) {
            in = ByteBuffer.wrap(stream.readAllBytes());
        }
        RgbImage[] pictures = new RgbImage[in.getInt()];
        for (int i = 0; i < pictures.length; i++) {
            int width = in.getInt();
            int height = in.getInt();
            pictures[i] = new RgbImage(width, height, bytes(in, width * height * 3));
        }
        Map<Operation, Integer> worst = new EnumMap<>(Operation.class);
        for (int left = in.getInt(); left > 0; left--) {
            RgbImage picture = pictures[in.getInt()];
            Operation operation = Operation.values()[in.getInt()];
            double level = in.getDouble();
            OperationRules used = rules.translate(in.getDouble()).cutout(in.getDouble());
            int x = in.getInt();
            int y = in.getInt();
            used = in.getInt() == 0 ? used : used.outside(Outside.REFLECT);
            byte[] expected = bytes(in, picture.pixels().length);
            paint(picture);
            if (operation == Operation.CUTOUT) {
                PixelOps.cutout(canvas, x, y, (int) (level / 10 * used.cutout()));
            } else {
                operation.apply(canvas, level, used, null);
            }
            worst.merge(operation, TestImages.distance(expected, picture()), Math::max);
        }
        assertEquals(0, in.remaining());
        assertEquals(EnumSet.allOf(Operation.class), worst.keySet());
        return worst;
    }

    @Test
    void smallestPicturesAreChangedToo() {
        for (int[] size : new int[][] {{1, 1}, {1, 2}, {2, 1}, {2, 2}, {3, 1}, {1, 3}, {70, 1}}) {
            for (Operation operation : Operation.values()) {
                for (OperationRules rules : Set.of(OperationRules.PYTORCH, OperationRules.TENSORFLOW, OperationRules.TENSORFLOW.outside(Outside.REFLECT))) {
                    for (double level : new double[] {-30, -10, 0, 0.5, 10, 30}) {
                        paint(TestImages.pattern(size[0], size[1]));
                        if (level >= 0 || operation.hasDirection()) {
                            operation.apply(canvas, level, rules, new SampleRandom().at(1, 2, 3, SampleRandom.AUGMENT));
                            assertEquals(size[0] * size[1] * 3, picture().length);
                        }
                    }
                }
            }
        }
    }

    @Test
    void cutoutDrawsItsPlaceUniformly() {
        int[] rows = new int[20];
        int[] columns = new int[30];
        for (int i = 0; i < 6000; i++) {
            canvas.reset(30, 20);
            Arrays.fill(canvas.pixels(), (byte) 1);
            Operation.CUTOUT.apply(canvas, 10, OperationRules.TENSORFLOW.cutout(1), new SampleRandom().at(0, 0, i, SampleRandom.AUGMENT));
            byte[] p = picture();
            int first = 0;
            int last = 599;
            while (p[first * 3] == 1) {
                first++;
            }
            while (p[last * 3] == 1) {
                last--;
            }
            rows[last / 30]++;
            columns[last % 30]++;
            assertTrue(last - first <= 31, "a square of two by two, or less at the border");
        }
        for (int n : rows) {
            assertEquals(300, n, 70);
        }
        for (int n : columns) {
            assertEquals(200, n, 60);
        }
    }

    @Test
    void manyPicturesMakeLittleGarbage() {
        paint(TestImages.pattern(64, 64));
        byte[] a = canvas.pixels();
        byte[] b = canvas.spare();
        for (Operation operation : Operation.values()) {
            operation.apply(canvas, 3, OperationRules.PYTORCH, new SampleRandom());
            assertTrue(canvas.pixels() == a && canvas.spare() == b || canvas.pixels() == b && canvas.spare() == a, operation + " made an array");
        }
    }

    @Test
    void identitiesAreIdentities() {
        RgbImage image = TestImages.pattern(33, 21);
        for (OperationRules rules : Set.of(OperationRules.PYTORCH, OperationRules.TENSORFLOW)) {
            for (Operation operation : Operation.values()) {
                if (operation.hasDirection() || operation == Operation.CUTOUT || operation == Operation.SOLARIZE_ADD) {
                    assertUnchanged(image, operation, 0, rules);
                }
            }
            for (Operation operation : Set.of(Operation.COLOR, Operation.CONTRAST, Operation.BRIGHTNESS, Operation.SHARPNESS)) {
                assertUnchanged(image, operation, 5, rules);
            }
            assertUnchanged(image, Operation.SOLARIZE, 10, rules);
            assertUnchanged(image, Operation.POSTERIZE, 20, rules);
        }
    }

    private void assertUnchanged(RgbImage image, Operation operation, double level, OperationRules rules) {
        paint(image);
        operation.apply(canvas, level, rules, new SampleRandom());
        assertArrayEquals(image.pixels(), picture(), operation + " " + level);
    }

    @Test
    void impossibleRulesAreRefused() {
        assertThrows(CallerException.class, () -> OperationRules.PYTORCH.outside(Outside.REFLECT));
        assertThrows(CallerException.class, () -> OperationRules.TENSORFLOW.translate(-1));
        assertThrows(CallerException.class, () -> OperationRules.TENSORFLOW.cutout(Double.NaN));
    }

    private void paint(RgbImage image) {
        canvas.reset(image.width(), image.height());
        System.arraycopy(image.pixels(), 0, canvas.pixels(), 0, image.pixels().length);
    }

    private byte[] picture() {
        return Arrays.copyOf(canvas.pixels(), canvas.length());
    }

    private static byte[] bytes(ByteBuffer in, int count) {
        byte[] bytes = new byte[count];
        in.get(bytes);
        return bytes;
    }
}

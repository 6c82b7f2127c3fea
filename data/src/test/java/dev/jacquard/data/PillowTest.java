package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Agreement with Pillow; the fixtures are made by src/test/scripts/make_pil_fixture.py. */
class PillowTest {
    @ParameterizedTest
    @CsvSource({"pil-resize.bin, BILINEAR", "pil-bicubic.bin, BICUBIC"})
    void resizesAsPillowDoes(String name, Interpolation filter) {
        ByteBuffer fixture = ByteBuffer.wrap(TestImages.resource(name));
        Resampler resampler = new Resampler();
        int cases = fixture.getInt();
        assertEquals(12, cases);
        for (int i = 0; i < cases; i++) {
            int[] c = new int[8];
            for (int k = 0; k < 8; k++) {
                c[k] = fixture.getInt();
            }
            byte[] expected = new byte[c[6] * c[7] * 3];
            fixture.get(expected);
            RgbImage image = TestImages.pattern(c[0], c[1]);
            Resampler.Box crop = new Resampler.Box(c[2], c[3], c[4], c[5]);
            byte[] actual = new byte[expected.length];
            Resampler.Box all = new Resampler.Box(0, 0, c[6], c[7]);
            resampler.resize(image, new Resampler.Job(crop, c[6], c[7], all, false, filter, false), MemorySegment.ofArray(actual), 0);
            assertEquals(0, TestImages.distance(expected, actual), "case " + i + ", levels");

            byte[] mirrored = new byte[expected.length];
            resampler.resize(image, new Resampler.Job(crop, c[6], c[7], all, true, filter, false), MemorySegment.ofArray(mirrored), 0);
            for (int y = 0; y < c[7]; y++) {
                for (int x = 0; x < c[6]; x++) {
                    for (int ch = 0; ch < 3; ch++) {
                        assertEquals(expected[(y * c[6] + x) * 3 + ch], mirrored[(y * c[6] + c[6] - 1 - x) * 3 + ch]);
                    }
                }
            }
        }
        assertEquals(0, fixture.remaining());
    }

    @Test
    void evaluatesAsTorchvisionDoes() {
        byte[] expected = TestImages.resource("pil-eval.bin");
        byte[] actual = new byte[expected.length + 10];
        new Resampler().resize(TestImages.pattern(50, 37), Transform.Eval.shorterSide(16, 18).job(50, 37), MemorySegment.ofArray(actual), 10);
        assertEquals(0, TestImages.distance(expected, Arrays.copyOfRange(actual, 10, actual.length)));
    }

    @ParameterizedTest
    @CsvSource({"pil-420, 1", "pil-444, 1", "pil-progressive, 1", "pil-gray, 1", "pil-rgb, 1", "pil-no-markers, 1", "pil-cmyk, 4", "pil-ycck, 4"})
    void decodesAsPillowDoes(String name, int levels) {
        byte[] expected = TestImages.resource(name + ".rgb");
        try (ImageDecoder decoder = new ImageDecoder()) {
            RgbImage image = decoder.decode(TestImages.resource(name + ".jpg"), name);
            assertEquals(33, image.width());
            assertEquals(21, image.height());
            int distance = TestImages.distance(expected, image.pixels());
            assertTrue(distance <= levels, name + " differs by " + distance + " levels");
        }
    }
}

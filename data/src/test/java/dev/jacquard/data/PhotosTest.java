package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.zip.CRC32;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Real photographs against Pillow, whose digests src/test/scripts/make_photo_digests.py wrote; skipped where ../shared/data/photos.tar is absent. */
class PhotosTest {
    private static final Logger LOG = LoggerFactory.getLogger(PhotosTest.class);
    private static final int SIZE = 224;

    static List<String> ways() {
        return JpegWays.all();
    }

    private static ImageDecoder decoder(String way) {
        return JpegWays.decoder(way);
    }

    private static Map<String, String[]> digests() {
        Map<String, String[]> all = new HashMap<>();
        new String(TestImages.resource("pil-photos.txt"), StandardCharsets.UTF_8).lines().map(l -> l.split(" ")).forEach(f -> all.put(f[0], f));
        return all;
    }

    /** Decoding, and resizing and cutting to 224, agree to the bit: the stated maximum is 0. */
    @ParameterizedTest
    @MethodSource("ways")
    void exactDecodingIsPillows(String way) {
        Map<String, String[]> digests = digests();
        try (ImageSource source = ImageSource.open(SharedData.require("photos.tar")); ImageDecoder decoder = decoder(way);
                ImageWorker worker = new ImageWorker(Transform.Eval.of(SIZE), decoder(way), Decoding.EXACT)) {
            byte[] out = new byte[SIZE * SIZE * 3];
            for (int i = 0; i < source.size(); i++) {
                String name = source.name(i);
                String[] digest = digests.get(name.substring(name.lastIndexOf('/') + 1));
                byte[] file = source.bytes(i);
                assertEquals(digest[1], crc(decoder.decode(file, name).pixels()), name + ", decoded");
                worker.process(file, file.length, name, 0, 0, i, MemorySegment.ofArray(out), 0);
                assertEquals(digest[2], crc(out), name + ", resized");
            }
        }
    }

    private static String crc(byte[] bytes) {
        CRC32 crc = new CRC32();
        crc.update(bytes);
        return String.format(Locale.ROOT, "%08x", crc.getValue());
    }

    /** Reduced decoding against exact, at sizes that make it reduce: at most one level in the mean of the photos, four in that of any one, 64 anywhere. */
    @ParameterizedTest
    @MethodSource("ways")
    void reducedDecodingIsNear(String way) {
        for (int size : new int[] {112, 64, 32}) {
            Transform.Eval transform = Transform.Eval.of(size);
            double sum = 0;
            double worst = 0;
            int most = 0;
            int reduced = 0;
            try (ImageSource source = ImageSource.open(SharedData.require("photos.tar")); ImageWorker exact = new ImageWorker(transform, decoder(way), Decoding.EXACT);
                    ImageWorker near = new ImageWorker(transform, decoder(way), Decoding.REDUCED)) {
                byte[] a = new byte[size * size * 3];
                byte[] b = new byte[a.length];
                for (int i = 0; i < source.size(); i++) {
                    byte[] file = source.bytes(i);
                    exact.process(file, file.length, "x", 0, 0, i, MemorySegment.ofArray(a), 0);
                    near.process(file, file.length, "x", 0, 0, i, MemorySegment.ofArray(b), 0);
                    long difference = 0;
                    for (int k = 0; k < a.length; k++) {
                        int d = Math.abs((a[k] & 0xFF) - (b[k] & 0xFF));
                        difference += d;
                        most = Math.max(most, d);
                    }
                    reduced += difference > 0 ? 1 : 0;
                    double mean = (double) difference / a.length;
                    sum += mean;
                    worst = Math.max(worst, mean);
                }
                LOG.info("{}, {}: {} of {} pictures differ, mean {} levels, of the worst picture {}, at most {}", way, size, reduced, source.size(), sum / source.size(),
                        worst, most);
            }
            assertTrue(sum <= 141, "mean at " + size + ": " + sum / 141);
            assertTrue(worst <= 4, "mean of the worst picture at " + size + ": " + worst);
            assertTrue(most <= 64, "most at " + size + ": " + most);
        }
    }
}

package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each way to decode a JPEG against the others: they are meant to give the same pixels. */
class JpegCodecTest {
    private static final List<String> FILES = List.of("pil-420", "pil-444", "pil-422", "pil-gray", "pil-rgb", "pil-no-markers", "pil-restarts", "pil-big-420", "pil-thin");

    /** The codecs that are here: our own, and libturbojpeg's where it is installed. */
    static List<Arguments> codecs() {
        TurboJpegLibrary turbo = TurboJpegLibrary.here().library();
        Supplier<JpegCodec> java = JavaJpegCodec::new;
        Supplier<JpegCodec> library = () -> new TurboJpegCodec(turbo);
        return turbo == null ? List.of(Arguments.of("java", java)) : List.of(Arguments.of("java", java), Arguments.of("turbo", library));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("codecs")
    void decodesAsPillowDoesToTheBit(String codec, Supplier<JpegCodec> make) {
        try (JpegCodec c = make.get()) {
            for (String name : FILES) {
                byte[] file = TestImages.resource(name + ".jpg");
                Picture picture = new Picture();
                JpegHeader header = JpegHeader.parse(file, file.length);
                assertTrue(c.decode(file, file.length, header, Wanted.whole(header.width(), header.height()), false, picture), name);
                assertEquals(0, TestImages.distance(TestImages.resource(name + ".rgb"), picture.toImage().pixels()), codec + ", " + name);
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("codecs")
    void partsAreTheSamePixels(String codec, Supplier<JpegCodec> make) {
        Random random = new Random(4);
        try (JpegCodec c = make.get()) {
            for (String name : FILES) {
                byte[] file = TestImages.resource(name + ".jpg");
                byte[] whole = TestImages.resource(name + ".rgb");
                JpegHeader header = JpegHeader.parse(file, file.length);
                Picture picture = new Picture();
                for (int i = 0; i < 40; i++) {
                    int x = random.nextInt(header.width());
                    int y = random.nextInt(header.height());
                    Wanted wanted = new Wanted(x, y, 1 + random.nextInt(header.width() - x), 1 + random.nextInt(header.height() - y), 1);
                    assertTrue(c.decode(file, file.length, header, wanted, i % 2 == 0, picture));
                    assertTrue(picture.left() <= x && picture.top() <= y && picture.left() + picture.width() >= x + wanted.width());
                    for (int row = y; row < y + wanted.height(); row++) {
                        int from = ((row - picture.top()) * picture.width() + x - picture.left()) * 3;
                        assertArrayEquals(Arrays.copyOfRange(whole, (row * header.width() + x) * 3, (row * header.width() + x + wanted.width()) * 3),
                                Arrays.copyOfRange(picture.pixels(), from, from + wanted.width() * 3), codec + ", " + name + ", " + wanted + ", row " + row);
                    }
                }
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("codecs")
    void whatIsDamagedIsLeftToOthers(String codec, Supplier<JpegCodec> make) {
        try (JpegCodec c = make.get()) {
            for (String name : FILES) {
                byte[] file = TestImages.resource(name + ".jpg");
                JpegHeader header = JpegHeader.parse(file, file.length);
                byte[] cut = Arrays.copyOf(file, file.length * 9 / 10);
                cut[cut.length - 2] = (byte) 0xFF;
                cut[cut.length - 1] = (byte) 0xD9;
                assertFalse(c.decode(cut, cut.length, header, new Wanted(0, 0, 1, 1, 1), false, new Picture()), codec + ", " + name);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"pil-progressive", "pil-cmyk"})
    void oursLeavesOtherKindsToOthers(String name) {
        byte[] file = TestImages.resource(name + ".jpg");
        JpegHeader header = JpegHeader.parse(file, file.length);
        assertFalse(new JavaJpegCodec().decode(file, file.length, header, Wanted.whole(header.width(), header.height()), false, new Picture()));
    }

    @Test
    void photosAreTheSameWithAndWithoutTheLibrary() {
        TurboJpegLibrary turbo = TurboJpegLibrary.here().library();
        assumeTrue(turbo != null, "skipped: " + TurboJpegLibrary.here().why());
        Random random = new Random(7);
        try (ImageSource source = ImageSource.open(SharedData.require("photos.tar")); JpegCodec ours = new JavaJpegCodec(); JpegCodec theirs = new TurboJpegCodec(turbo)) {
            Picture a = new Picture();
            for (int i = 0; i < source.size(); i++) {
                byte[] file = source.bytes(i);
                JpegHeader h = JpegHeader.parse(file, file.length);
                Wanted whole = Wanted.whole(h.width(), h.height());
                assertTrue(ours.decode(file, file.length, h, whole, false, a), source.name(i));
                Picture b = new Picture();
                assertTrue(theirs.decode(file, file.length, h, whole, random.nextBoolean(), b), source.name(i));
                assertEquals(0, TestImages.distance(Arrays.copyOf(b.pixels(), h.width() * h.height() * 3), Arrays.copyOf(a.pixels(), h.width() * h.height() * 3)), source.name(i));
            }
        }
    }
}

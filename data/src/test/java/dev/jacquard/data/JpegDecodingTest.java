package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.jacquard.tensor.DataException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each way to decode a JPEG against Pillow's pixels: with the libraries that are installed, and without. */
class JpegDecodingTest {
    private static final List<String> FILES = List.of("pil-420", "pil-444", "pil-422", "pil-gray", "pil-rgb", "pil-no-markers", "pil-progressive", "pil-restarts",
            "pil-big-420", "pil-thin", "pil-440", "pil-uneven", "pil-410");

    static List<String> ways() {
        return JpegWays.all();
    }

    private static ImageDecoder decoder(String way) {
        return JpegWays.decoder(way);
    }

    @ParameterizedTest
    @MethodSource("ways")
    void decodesAsPillowDoesToTheBit(String way) {
        try (ImageDecoder decoder = decoder(way)) {
            for (String name : FILES) {
                assertEquals(0, TestImages.distance(TestImages.resource(name + ".rgb"), decoder.decode(TestImages.resource(name + ".jpg"), name).pixels()), name);
            }
        }
    }

    /** That of sound files too, where decoding may end early. */
    @ParameterizedTest
    @MethodSource("ways")
    void partsAreTheSamePixels(String way) {
        Random random = new Random(4);
        try (ImageDecoder decoder = decoder(way)) {
            Picture picture = new Picture();
            for (String name : FILES) {
                byte[] file = TestImages.resource(name + ".jpg");
                byte[] whole = TestImages.resource(name + ".rgb");
                ImageHeader header = decoder.header(file, file.length, name);
                for (int i = 0; i < 40; i++) {
                    int x = random.nextInt(header.width());
                    int y = random.nextInt(header.height());
                    Wanted wanted = new Wanted(x, y, 1 + random.nextInt(header.width() - x), 1 + random.nextInt(header.height() - y), 1);
                    decoder.decode(file, file.length, name, header, wanted, i % 2 == 0, picture);
                    assertTrue(picture.left() <= x && picture.top() <= y && picture.left() + picture.width() >= x + wanted.width());
                    for (int row = y; row < y + wanted.height(); row++) {
                        int from = ((row - picture.top()) * picture.width() + x - picture.left()) * 3;
                        assertArrayEquals(Arrays.copyOfRange(whole, (row * header.width() + x) * 3, (row * header.width() + x + wanted.width()) * 3),
                                Arrays.copyOfRange(picture.pixels(), from, from + wanted.width() * 3), name + ", " + wanted + ", row " + row);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("ways")
    void aFileThatEndsEarlyIsBadWhateverIsWanted(String way) {
        try (ImageDecoder decoder = decoder(way)) {
            for (String name : FILES) {
                byte[] file = closed(TestImages.resource(name + ".jpg"));
                ImageHeader header = decoder.header(file, file.length, name);
                assertThrows(DataException.class, () -> decoder.decode(file, file.length, name, header, new Wanted(0, 0, 1, 1, 1), false, new Picture()), name);
            }
        }
    }

    /** Its first nine tenths, and an end-of-image marker. */
    private static byte[] closed(byte[] file) {
        byte[] cut = Arrays.copyOf(file, file.length * 9 / 10);
        cut[cut.length - 2] = (byte) 0xFF;
        cut[cut.length - 1] = (byte) 0xD9;
        return cut;
    }

    @ParameterizedTest
    @MethodSource("dev.jacquard.data.JpegWays#installed")
    void theLibraryLeavesDamagedFilesToImageIo(String way) {
        try (JpegCodec codec = JpegWays.library(way).codec()) {
            byte[] good = TestImages.resource("pil-big-420.jpg");
            byte[] bad = closed(good);
            JpegHeader header = JpegHeader.parse(good, good.length);
            Wanted all = Wanted.whole(header.width(), header.height());
            assertFalse(codec.decode(bad, bad.length, header, all, false, new Picture()));
            assertTrue(codec.decode(good, good.length, header, all, false, new Picture()), "a good file after a damaged one");
        }
    }

    /** Each version of libjpeg guesses what the other scans might have brought in its own way, and at a cut in another one: such files are ImageIO's. */
    @Test
    void progressiveFilesWithoutTheirLastScansAreLeftToImageIo() {
        JpegLibrary library = JpegWays.library("libjpeg");
        assumeTrue(library != null, "skipped: " + JpegLibrary.find("libjpeg").why());
        byte[] file = TestImages.resource("pil-progressive.jpg");
        int scan = 0;
        for (int i = 2, scans = 0; scans < 2; i++) {
            if (file[i] == (byte) 0xFF && file[i + 1] == (byte) 0xDA) {
                scans++;
                scan = i;
            }
        }
        byte[] first = Arrays.copyOf(file, scan + 2);
        first[scan + 1] = (byte) 0xD9;
        JpegHeader header = JpegHeader.parse(first, first.length);
        try (JpegCodec codec = library.codec()) {
            Wanted all = Wanted.whole(header.width(), header.height());
            assertFalse(codec.decode(first, first.length, header, all, false, new Picture()));
            assertTrue(codec.decode(file, file.length, JpegHeader.parse(file, file.length), all, false, new Picture()));
        }
    }

    @ParameterizedTest
    @MethodSource("dev.jacquard.data.JpegWays#installed")
    void theLibraryReduces(String way) {
        byte[] file = TestImages.resource("pil-big-420.jpg"); // 83x70
        JpegHeader header = JpegHeader.parse(file, file.length);
        try (JpegCodec codec = JpegWays.library(way).codec()) {
            for (int reduction : new int[] {2, 4, 8}) {
                Picture picture = new Picture();
                assertTrue(codec.decode(file, file.length, header, new Wanted(0, 0, 83, 70, reduction), false, picture));
                assertEquals(List.of(reduction, Math.ceilDiv(83, reduction), Math.ceilDiv(70, reduction), 83),
                        List.of(picture.reduction(), picture.width(), picture.height(), picture.fullWidth()));
                Picture part = new Picture();
                assertTrue(codec.decode(file, file.length, header, new Wanted(32, 40, 24, 16, reduction), true, part));
                assertTrue(part.left() <= 32 && part.top() <= 40 && part.left() % reduction == 0 && part.top() % reduction == 0);
                int from = ((40 - part.top()) / reduction * part.width() + (32 - part.left()) / reduction) * 3;
                int same = (40 / reduction * picture.width() + 32 / reduction) * 3;
                int bytes = 24 / reduction * 3;
                assertArrayEquals(Arrays.copyOfRange(picture.pixels(), same, same + bytes), Arrays.copyOfRange(part.pixels(), from, from + bytes));
            }
        }
    }

    @Test
    void aLibraryThatIsNotThereIsNotUsedAndSaidSo() {
        assertFalse(JpegLibrary.find("java").why().isEmpty());
        JpegLibrary.Found none = JpegLibrary.find("/no/such/file.so");
        assertEquals(null, none.library());
        assertTrue(none.why().contains("/no/such/file.so"), none.why());
        assertTrue(none.refused(), "whoever names a file wants to know");
        assertFalse(ImageDecoder.describe().isEmpty());
    }

    /** Where the system forbids executable memory, or the processor is another one. */
    @Test
    void withoutExecutableMemoryTheNextCodecServes() {
        JpegLibrary.Found found = JpegLibrary.find("auto", () -> "the system forbids executable memory");
        assertFalse(found.library() instanceof LibJpegLibrary);
        if (JpegWays.library("libjpeg") != null) {
            assertTrue(found.why().contains("is not used: the system forbids executable memory"), found.why());
            assertTrue(found.refused(), "and is said so once");
        }
    }
}

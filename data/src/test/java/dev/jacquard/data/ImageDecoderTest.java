package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.DataException;
import java.awt.Transparency;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.awt.image.WritableRaster;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageDecoderTest {
    private final ImageDecoder decoder = new ImageDecoder();

    @AfterEach
    void close() {
        decoder.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"png", "bmp", "tiff"})
    void losslessFormatsKeepTheirPixels(String format) {
        BufferedImage image = new BufferedImage(5, 3, BufferedImage.TYPE_INT_RGB);
        image.setRGB(1, 2, 0xC81E03);
        image.setRGB(4, 0, 0x0000FF);
        RgbImage rgb = decoder.decode(TestImages.encode(image, format), "x." + format);
        assertEquals(5, rgb.width());
        assertEquals(3, rgb.height());
        assertEquals(0xC81E03, at(rgb, 1, 2));
        assertEquals(0x0000FF, at(rgb, 4, 0));
        assertEquals(0, at(rgb, 0, 0));
    }

    @Test
    void grayIsRepeatedNotBrightened() {
        BufferedImage image = new BufferedImage(4, 1, BufferedImage.TYPE_BYTE_GRAY);
        image.getRaster().setPixels(0, 0, 4, 1, new int[] {0, 60, 128, 255});
        RgbImage rgb = decoder.decode(TestImages.encode(image, "png"), "gray.png");
        assertArrayEquals(new byte[] {0, 0, 0, 60, 60, 60, (byte) 128, (byte) 128, (byte) 128, -1, -1, -1}, rgb.pixels());
    }

    @Test
    void sixteenBitsKeepTheHighByte() {
        ComponentColorModel model = new ComponentColorModel(ColorSpace.getInstance(ColorSpace.CS_sRGB), false, false, Transparency.OPAQUE, DataBuffer.TYPE_USHORT);
        WritableRaster raster = model.createCompatibleWritableRaster(2, 1);
        raster.setPixels(0, 0, 2, 1, new int[] {0x1234, 0xFFFF, 0x80FF, 0x0100, 0x00FF, 0xABCD});
        RgbImage rgb = decoder.decode(TestImages.encode(new BufferedImage(model, raster, false, null), "png"), "deep.png");
        assertArrayEquals(new byte[] {0x12, -1, (byte) 0x80, 1, 0, (byte) 0xAB}, rgb.pixels());

        BufferedImage gray = new BufferedImage(2, 1, BufferedImage.TYPE_USHORT_GRAY);
        gray.getRaster().setPixels(0, 0, 2, 1, new int[] {0x4321, 0xFEDC});
        assertArrayEquals(new byte[] {0x43, 0x43, 0x43, -2, -2, -2}, decoder.decode(TestImages.encode(gray, "png"), "gray16.png").pixels());
    }

    @Test
    void alphaIsDropped() {
        BufferedImage image = new BufferedImage(2, 1, BufferedImage.TYPE_INT_ARGB);
        image.setRGB(0, 0, 0x10C86432);
        image.setRGB(1, 0, 0xFF010203);
        RgbImage rgb = decoder.decode(TestImages.encode(image, "png"), "alpha.png");
        assertEquals(0xC86432, at(rgb, 0, 0));
        assertEquals(0x010203, at(rgb, 1, 0));
    }

    @ParameterizedTest
    @ValueSource(strings = {"png", "gif"})
    void palettesAreLookedUp(String format) {
        IndexColorModel palette = new IndexColorModel(2, 3, new byte[] {10, 20, -1}, new byte[] {1, 2, 3}, new byte[] {7, 8, 9});
        BufferedImage image = new BufferedImage(3, 1, BufferedImage.TYPE_BYTE_BINARY, palette);
        image.getRaster().setPixels(0, 0, 3, 1, new int[] {2, 0, 1});
        assertArrayEquals(new byte[] {-1, 3, 9, 10, 1, 7, 20, 2, 8}, decoder.decode(TestImages.encode(image, format), "palette." + format).pixels());
    }

    @ParameterizedTest
    @ValueSource(strings = {"pil-420.jpg", "pil-444.jpg", "pil-gray.jpg", "pil-cmyk.jpg", "pil-progressive.jpg"})
    void aJpegCutAnywhereIsBad(String name) {
        byte[] whole = TestImages.resource(name);
        decoder.decode(whole, name);
        for (int length = whole.length - 1; length > 0; length -= 37) {
            DataException e = assertThrows(DataException.class, refused(Arrays.copyOf(whole, length), name), name + " cut at " + length);
            assertEquals(name, e.op());
        }
        decoder.decode(whole, name); // the decoder goes on working
    }

    @Test
    void aJpegCutInsideButClosedIsBad() {
        byte[] whole = TestImages.encoded(64, 64, "jpg");
        byte[] cut = Arrays.copyOf(whole, whole.length / 2);
        cut[cut.length - 2] = (byte) 0xFF;
        cut[cut.length - 1] = (byte) 0xD9;
        assertThrows(DataException.class, refused(cut, "closed.jpg"));
    }

    @Test
    void bytesAfterTheEndAreHarmless() {
        byte[] whole = TestImages.resource("pil-420.jpg");
        RgbImage plain = decoder.decode(whole, "a");
        assertArrayEquals(plain.pixels(), decoder.decode(Arrays.copyOf(whole, whole.length + 100), "b").pixels());
    }

    @ParameterizedTest
    @ValueSource(strings = {"png", "gif", "bmp", "tiff"})
    void otherFormatsCutShortAreBad(String format) {
        byte[] whole = TestImages.encoded(40, 40, format);
        String name = "cut." + format;
        DataException e = assertThrows(DataException.class, refused(Arrays.copyOf(whole, whole.length / 2), name));
        assertEquals(name, e.op());
    }

    @Test
    void emptyAndForeignFilesAreBad() {
        assertTrue(assertThrows(DataException.class, refused(new byte[0], "empty.jpg")).getMessage().startsWith("empty.jpg: the file is empty"));
        assertTrue(assertThrows(DataException.class, refused("hello, world".getBytes(), "text.jpg")).getMessage().startsWith("text.jpg: "));
        assertThrows(DataException.class, refused(new byte[1000], "zeros.png"));
    }

    @Test
    void hugeImagesAreRefusedBeforeAllocation() {
        DataException e = assertThrows(DataException.class, refused(hugePng(), "huge.png"));
        assertTrue(e.getMessage().startsWith("huge.png: the image is too large: got 100000x100000"), e.getMessage());

        byte[] jpeg = TestImages.resource("pil-420.jpg").clone();
        for (int i = 0; i < jpeg.length - 9; i++) {
            if (jpeg[i] == (byte) 0xFF && jpeg[i + 1] == (byte) 0xC0) {
                Arrays.fill(jpeg, i + 5, i + 9, (byte) 0xFF);
            }
        }
        assertTrue(assertThrows(DataException.class, refused(jpeg, "huge.jpg")).got().startsWith("65535x65535"));
    }

    @Test
    void theLimitIsConfigurable() {
        byte[] image = TestImages.encoded(10, 10, "png");
        try (ImageDecoder small = new ImageDecoder(99); ImageDecoder enough = new ImageDecoder(100)) {
            assertThrows(DataException.class, () -> small.decode(image, "x"));
            assertEquals(10, enough.decode(image, "x").width());
        }
    }

    @Test
    void aFileIsReadForClassification(@TempDir Path dir) {
        Path file = TestImages.write(dir.resolve("a.png"), TestImages.encoded(32, 32, "png"));
        assertArrayEquals(TestImages.pattern(32, 32).pixels(), Images.read(file, Transform.Eval.of(32)));
        assertEquals(16 * 16 * 3, Images.read(file, Transform.Eval.of(16)).length);
        Path missing = dir.resolve("missing.png");
        assertEquals(missing.toString(), assertThrows(DataException.class, () -> Images.read(missing, Transform.Eval.of(16))).op());
        assertThrows(DataException.class, () -> Images.read(dir, Transform.Eval.of(16)));
    }

    private org.junit.jupiter.api.function.Executable refused(byte[] data, String name) {
        return () -> decoder.decode(data, name);
    }

    private static int at(RgbImage image, int x, int y) {
        int i = (y * image.width() + x) * 3;
        return (image.pixels()[i] & 255) << 16 | (image.pixels()[i + 1] & 255) << 8 | image.pixels()[i + 2] & 255;
    }

    /** A PNG whose header claims 100000x100000 and whose data are a few bytes. */
    private static byte[] hugePng() {
        ByteBuffer png = ByteBuffer.allocate(100);
        png.putLong(0x89504E470D0A1A0AL);
        ByteBuffer header = ByteBuffer.allocate(17).put("IHDR".getBytes()).putInt(100_000).putInt(100_000).put(new byte[] {8, 2, 0, 0, 0});
        chunk(png, header.array());
        chunk(png, "IDATxxxx".getBytes());
        chunk(png, "IEND".getBytes());
        return Arrays.copyOf(png.array(), png.position());
    }

    private static void chunk(ByteBuffer png, byte[] typed) {
        CRC32 crc = new CRC32();
        crc.update(typed);
        png.putInt(typed.length - 4).put(typed).putInt((int) crc.getValue());
    }
}

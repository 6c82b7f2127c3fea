package dev.jacquard.data;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;

/** Images and sources made for tests. */
final class TestImages {
    private TestImages() {}

    /** The pattern of make_pil_fixture.py. */
    static RgbImage pattern(int width, int height) {
        byte[] pixels = new byte[width * height * 3];
        for (int y = 0, t = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                for (int c = 0; c < 3; c++) {
                    pixels[t++] = (byte) (x * 37 + y * 91 + c * 53 ^ x * y * 7);
                }
            }
        }
        return new RgbImage(width, height, pixels);
    }

    /** An encoded image. */
    static byte[] encode(BufferedImage image, String format) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            if (!ImageIO.write(image, format, out)) {
                throw new IllegalStateException("no writer of " + format);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    /** An image of the pattern as a file of the format. */
    static byte[] encoded(int width, int height, String format) {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        byte[] p = pattern(width, height).pixels();
        for (int i = 0; i < width * height; i++) {
            image.setRGB(i % width, i / width, (p[3 * i] & 255) << 16 | (p[3 * i + 1] & 255) << 8 | p[3 * i + 2] & 255);
        }
        return encode(image, format);
    }

    /** A JPEG with an EXIF segment, big-endian, in front. */
    static byte[] oriented(byte[] jpeg, int orientation) {
        byte[] exif = {(byte) 0xFF, (byte) 0xE1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte) orientation, 0, 0,
                0, 0, 0, 0};
        byte[] out = new byte[jpeg.length + exif.length];
        System.arraycopy(jpeg, 0, out, 0, 2);
        System.arraycopy(exif, 0, out, 2, exif.length);
        System.arraycopy(jpeg, 2, out, 2 + exif.length, jpeg.length - 2);
        return out;
    }

    /** A test resource. */
    static byte[] resource(String name) {
        try (InputStream in = TestImages.class.getResourceAsStream("/" + name)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes a file, with its folders. */
    static Path write(Path file, byte[] bytes) {
        try {
            Files.createDirectories(file.getParent());
            return Files.write(file, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Largest difference of two arrays of unsigned bytes of equal length. */
    static int distance(byte[] a, byte[] b) {
        if (a.length != b.length) {
            throw new AssertionError("lengths " + a.length + " and " + b.length);
        }
        int max = 0;
        for (int i = 0; i < a.length; i++) {
            max = Math.max(max, Math.abs((a[i] & 255) - (b[i] & 255)));
        }
        return max;
    }

    /** A source of given files, all labelled index % 3. */
    static class Source implements ImageSource {
        private final List<byte[]> files;

        Source(List<byte[]> files) {
            this.files = files;
        }

        @Override
        public int size() {
            return files.size();
        }

        @Override
        public byte[] bytes(int index) {
            return files.get(index);
        }

        @Override
        public int label(int index) {
            return index % 3;
        }

        @Override
        public String name(int index) {
            return "test/" + index;
        }

        @Override
        public List<String> classes() {
            return List.of("a", "b", "c");
        }

        @Override
        public void close() {}
    }
}

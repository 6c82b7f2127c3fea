package dev.jacquard.data;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;

/** Files that somebody made to hurt a decoder, or that a disk made so. The same files each time. */
final class HostileImages {
    private static final String[] JPEGS = {"pil-420", "pil-422", "pil-444", "pil-gray", "pil-rgb", "pil-progressive", "pil-cmyk", "pil-ycck", "pil-restarts", "pil-thin",
            "pil-big-420", "pil-440"};
    private static final int SIXTEENTHS = 16;

    private final Random random = new Random(30_000);
    private final BiConsumer<String, byte[]> sink;
    private int made;

    private HostileImages(BiConsumer<String, byte[]> sink) {
        this.sink = sink;
    }

    /**
     * Makes the corpus.
     *
     * @param count how many files; the last ones are damaged at random
     * @param sink  takes a name, whose extension may lie, and the bytes
     */
    static void make(int count, BiConsumer<String, byte[]> sink) {
        HostileImages images = new HostileImages(sink);
        Map<String, byte[]> good = good();
        images.bombs();
        good.forEach(images::systematic);
        List<String> names = List.copyOf(good.keySet());
        for (int i = 0; images.made < count; i++) {
            String name = names.get(i % names.size());
            images.damaged(name, good.get(name));
        }
    }

    /** Good files of every kind that is read. */
    static Map<String, byte[]> good() {
        Map<String, byte[]> all = new LinkedHashMap<>();
        for (String name : JPEGS) {
            all.put(name + ".jpg", TestImages.resource(name + ".jpg"));
        }
        for (String format : List.of("jpg", "png", "gif", "bmp", "tiff")) {
            all.put("plain." + format, TestImages.encoded(45, 37, format));
        }
        all.put("interlaced.png", interlaced());
        all.put("gray16.png", TestImages.encode(new BufferedImage(31, 17, BufferedImage.TYPE_USHORT_GRAY), "png"));
        all.put("alpha.png", TestImages.encode(new BufferedImage(31, 17, BufferedImage.TYPE_INT_ARGB), "png"));
        IndexColorModel palette = new IndexColorModel(2, 3, new byte[] {10, 20, -1}, new byte[] {1, 2, 3}, new byte[] {7, 8, 9}, new byte[] {0, 100, -1});
        all.put("palette.png", TestImages.encode(new BufferedImage(31, 17, BufferedImage.TYPE_BYTE_BINARY, palette), "png"));
        return all;
    }

    private void add(String name, byte[] bytes) {
        sink.accept(made++ + "-" + name, bytes);
    }

    private void systematic(String name, byte[] file) {
        for (int i = 0; i < SIXTEENTHS; i++) {
            add("cut" + i + "-" + name, Arrays.copyOf(file, file.length * i / SIXTEENTHS));
        }
        for (int i = 1; i < SIXTEENTHS; i++) { // what a disk leaves of a file whose end was not written
            byte[] zeros = Arrays.copyOf(Arrays.copyOf(file, file.length * i / SIXTEENTHS), file.length);
            add("zeroed" + i + "-" + name, zeros);
        }
        add("lies-" + name + (name.endsWith("png") ? ".jpg" : ".png"), file);
        add("tail-" + name, Arrays.copyOf(file, file.length + 1000));
        for (int at = 0; at < Math.min(file.length, 64); at++) { // each byte of the header, made extreme
            for (int value : new int[] {0, 0x7F, 0x80, 0xFF}) {
                byte[] copy = file.clone();
                copy[at] = (byte) value;
                add("byte" + at + "-" + name, copy);
            }
        }
        for (int size : new int[] {30_000, 65_535, 8000, 1500}) {
            add("claims" + size + "-" + name, claiming(file, size));
        }
    }

    private void damaged(String name, byte[] file) {
        byte[] copy = file.clone();
        int from = random.nextInt(3) == 0 ? 0 : Math.min(random.nextInt(700), copy.length - 1); // often past the headers
        for (int n = 1 + random.nextInt(12); n > 0; n--) {
            int at = from + random.nextInt(copy.length - from);
            copy[at] = random.nextBoolean() ? (byte) random.nextInt(256) : (byte) (copy[at] ^ 1 << random.nextInt(8));
        }
        if (random.nextInt(8) == 0) { // a piece moved
            int length = 1 + random.nextInt(copy.length / 2);
            System.arraycopy(copy.clone(), random.nextInt(copy.length - length + 1), copy, random.nextInt(copy.length - length + 1), length);
        }
        if (name.endsWith("png") && random.nextBoolean()) {
            mendChecksums(copy);
        }
        add("damaged-" + name, copy);
    }

    /** The file with another width and height in its header. */
    private static byte[] claiming(byte[] file, int size) {
        byte[] copy = file.clone();
        ByteBuffer b = ByteBuffer.wrap(copy);
        if (copy[0] == (byte) 0x89) {
            b.putInt(16, size).putInt(20, size);
            mendChecksums(copy);
        } else if (copy[0] == 'G') {
            b.order(ByteOrder.LITTLE_ENDIAN).putShort(6, (short) size).putShort(8, (short) size);
            for (int i = 13; i < copy.length - 9; i++) {
                if (copy[i] == 0x2C && copy[i + 1] == 0 && copy[i + 2] == 0) {
                    b.putShort(i + 5, (short) size).putShort(i + 7, (short) size);
                }
            }
        } else if (copy[0] == 'B') {
            b.order(ByteOrder.LITTLE_ENDIAN).putInt(18, size).putInt(22, size);
        } else if (copy[0] == (byte) 0xFF) {
            for (int i = 2; i < copy.length - 9; i++) {
                if (copy[i] == (byte) 0xFF && copy[i + 1] >= (byte) 0xC0 && copy[i + 1] <= (byte) 0xC2) {
                    b.putShort(i + 5, (short) size).putShort(i + 7, (short) size);
                    break;
                }
            }
        } else { // TIFF: width and height are the tags 256 and 257, as it were anywhere
            boolean little = copy[0] == 'I';
            b.order(little ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
            for (int i = 8; i < copy.length - 12; i++) {
                int tag = b.getShort(i) & 0xFFFF;
                if ((tag == 256 || tag == 257 || tag == 278) && b.getInt(i + 4) == 1) {
                    boolean wide = b.getShort(i + 2) == 4;
                    if (wide) {
                        b.putInt(i + 8, size);
                    } else {
                        b.putShort(i + 8, (short) size);
                    }
                }
            }
        }
        return copy;
    }

    private static void mendChecksums(byte[] png) {
        for (int at = 8; at + 12 <= png.length;) {
            int length = ByteBuffer.wrap(png).getInt(at);
            if (length < 0 || length > png.length - at - 12) {
                return;
            }
            CRC32 crc = new CRC32();
            crc.update(png, at + 4, length + 4);
            ByteBuffer.wrap(png).putInt(at + 8 + length, (int) crc.getValue());
            at += length + 12;
        }
    }

    private void bombs() {
        add("empty.jpg", new byte[0]);
        add("zeros.png", new byte[100_000]);
        byte[] noise = new byte[100_000];
        random.nextBytes(noise);
        add("noise.jpg", noise);
        for (byte[] magic : new byte[][] {{(byte) 0xFF, (byte) 0xD8, (byte) 0xFF}, {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10}, "GIF89a".getBytes(), "BM".getBytes(),
                "II*\0".getBytes(), "MM\0*".getBytes()}) {
            byte[] file = noise.clone();
            System.arraycopy(magic, 0, file, 0, magic.length);
            add("magic.png", file);
        }
        byte[] zeros = new byte[64 << 20];
        add("flat-over-the-limit.png", png(30_000, 30_000, deflated(zeros)));
        add("flat-and-short.png", png(8000, 8000, deflated(Arrays.copyOf(zeros, 1 << 20))));
        add("flat.png", png(2500, 2500, deflated(Arrays.copyOf(zeros, 2500 * 7501))));
        add("more-than-it-says.png", png(10, 10, deflated(zeros)));
        add("text-bomb.png", pngWith("zTXt", "comment\0\0", deflated(zeros)));
        add("itext-bomb.png", pngWith("iTXt", "comment\0\1\0\0\0", deflated(zeros)));
        add("profile-bomb.png", pngWith("iCCP", "profile\0\0", deflated(zeros)));
        add("scans-bomb.jpg", scans(3000));
        add("scans-large-bomb.jpg", claiming(scans(300), 4000));
        add("scans.jpg", scans(60));
        byte[] jpeg = TestImages.resource("pil-420.jpg");
        ByteArrayOutputStream segments = new ByteArrayOutputStream();
        segments.write(jpeg, 0, 2);
        for (int i = 0; i < 200_000; i++) { // many empty comments
            segments.writeBytes(new byte[] {(byte) 0xFF, (byte) 0xFE, 0, 2});
        }
        segments.write(jpeg, 2, jpeg.length - 2);
        add("comments.jpg", segments.toByteArray());
        byte[] filled = new byte[1 << 20];
        Arrays.fill(filled, (byte) 0xFF);
        System.arraycopy(jpeg, 0, filled, 0, 200);
        add("filled.jpg", filled);
    }

    /** A progressive JPEG whose last scan comes again and again. */
    private static byte[] scans(int copies) {
        byte[] file = TestImages.resource("pil-progressive.jpg");
        int last = 0;
        for (int i = 2; i < file.length - 1; i++) {
            last = file[i] == (byte) 0xFF && file[i + 1] == (byte) 0xDA ? i : last;
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(file, 0, last);
        for (int i = 0; i < copies; i++) {
            out.write(file, last, file.length - 2 - last);
        }
        out.write(file, file.length - 2, 2);
        return out.toByteArray();
    }

    private static byte[] deflated(byte[] bytes) {
        Deflater deflater = new Deflater(9);
        deflater.setInput(bytes);
        deflater.finish();
        byte[] out = new byte[bytes.length / 500 + 1000];
        int length = deflater.deflate(out);
        deflater.end();
        return Arrays.copyOf(out, length);
    }

    private static byte[] png(int width, int height, byte[] data) {
        ByteBuffer header = ByteBuffer.allocate(13).putInt(width).putInt(height).put(new byte[] {8, 2, 0, 0, 0});
        return chunks(Map.of(0, header.array(), 1, data), "IHDR", "IDAT");
    }

    private static byte[] pngWith(String type, String before, byte[] data) {
        byte[] text = before.getBytes(StandardCharsets.ISO_8859_1);
        byte[] body = Arrays.copyOf(text, text.length + data.length);
        System.arraycopy(data, 0, body, text.length, data.length);
        ByteBuffer header = ByteBuffer.allocate(13).putInt(10).putInt(10).put(new byte[] {8, 2, 0, 0, 0});
        return chunks(Map.of(0, header.array(), 1, body, 2, deflated(new byte[10 * 31])), "IHDR", type, "IDAT");
    }

    private static byte[] chunks(Map<Integer, byte[]> bodies, String... types) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(new byte[] {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10});
        for (int i = 0; i <= types.length; i++) {
            byte[] body = i < types.length ? bodies.get(i) : new byte[0];
            String type = i < types.length ? types[i] : "IEND";
            out.writeBytes(ByteBuffer.allocate(12 + body.length).putInt(body.length).put(type.getBytes(StandardCharsets.ISO_8859_1)).put(body).putInt(0).array());
        }
        byte[] file = out.toByteArray();
        mendChecksums(file);
        return file;
    }

    private static byte[] interlaced() {
        ImageWriter writer = ImageIO.getImageWritersByFormatName("png").next();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (var stream = ImageIO.createImageOutputStream(out)) {
            ImageWriteParam how = writer.getDefaultWriteParam();
            how.setProgressiveMode(ImageWriteParam.MODE_DEFAULT);
            writer.setOutput(stream);
            writer.write(null, new IIOImage(new BufferedImage(45, 37, BufferedImage.TYPE_INT_RGB), null, null), how);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            writer.dispose();
        }
        return out.toByteArray();
    }
}

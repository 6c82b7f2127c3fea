package dev.jacquard.data;

import dev.jacquard.tensor.DataException;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.ComponentSampleModel;
import java.awt.image.DataBuffer;
import java.awt.image.DataBufferByte;
import java.awt.image.Raster;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.spi.IIORegistry;
import javax.imageio.spi.ImageReaderSpi;

/**
 * Decodes JPEG, PNG, GIF, BMP and TIFF to 8-bit RGB through ImageIO, to what PIL's {@code Image.open(f).convert("RGB")} gives:
 * gray is repeated, palettes are looked up, 16-bit samples keep their high byte, alpha is dropped (not blended), colour
 * profiles and EXIF orientation are ignored; CMYK and YCCK are converted by TwelveMonkeys' reader (with the file's profile, if any).
 *
 * <p>Gray and three-component JPEGs, nearly all there are, take a short way: the JDK's reader gives the raw components and
 * the colours are converted here with libjpeg's integers. A reader is created once per decoder and used again.
 *
 * <p>The dimensions are read and checked before any pixel memory is allocated. A JPEG that ends early, or whose data is damaged so
 * that the reader warns of it, is bad, not gray at the bottom.
 *
 * <p>Not thread-safe: one per thread. {@link #close} frees the readers.
 */
public final class ImageDecoder implements AutoCloseable {
    /** The default limit of {@link #ImageDecoder(long)}: 64 Mi pixels (192 MiB decoded). */
    public static final long DEFAULT_MAX_PIXELS = 64L << 20;

    private static final String JDK_JPEG = "com.sun.imageio.plugins.jpeg.";

    static {
        ImageIO.setUseCache(false);
    }

    private final long maxPixels;
    private final Map<ImageReaderSpi, ImageReader> readers = new HashMap<>();
    private final List<String> warnings = new ArrayList<>();
    private ImageReader jpeg;

    /** A decoder with the default limit. */
    public ImageDecoder() {
        this(DEFAULT_MAX_PIXELS);
    }

    /** A decoder that refuses images of more than {@code maxPixels} pixels. */
    public ImageDecoder(long maxPixels) {
        this.maxPixels = Math.clamp(maxPixels, 1, Integer.MAX_VALUE / 3 - 8);
    }

    /**
     * Decodes one image.
     *
     * @param data the file's bytes
     * @param name what messages call it
     * @throws DataException if the bytes are no image, a damaged or incomplete one, or one over the limit
     */
    public RgbImage decode(byte[] data, String name) {
        if (data.length == 0) {
            throw bad(name, "the file is empty", "0 bytes", null);
        }
        try {
            return JpegHeader.matches(data) ? jpeg(data, name) : other(data, name);
        } catch (IOException | RuntimeException e) {
            if (e instanceof DataException d) {
                throw d;
            }
            throw bad(name, "the image does not decode", e.getMessage() == null ? e.getClass().getSimpleName() : oneLine(e.getMessage()), e);
        }
    }

    /** Frees the readers' native memory. */
    @Override
    public void close() {
        readers.values().forEach(ImageReader::dispose);
        readers.clear();
        if (jpeg != null) {
            jpeg.dispose();
            jpeg = null;
        }
    }

    private RgbImage jpeg(byte[] data, String name) throws IOException {
        JpegHeader header = JpegHeader.parse(data);
        if (header == null) {
            throw bad(name, "the JPEG has no complete header", data.length + " bytes without a frame and a scan", null);
        }
        checkSize(header.width(), header.height(), name);
        if (!header.complete()) {
            throw bad(name, "the JPEG is truncated", data.length + " bytes without an end-of-image marker", null);
        }
        if (!header.plain() || header.precision() != 8 || header.components() != 1 && header.components() != 3) {
            return other(data, name);
        }
        try {
            return convert(readRaster(data, name), header);
        } catch (IOException | RuntimeException e) {
            if (e instanceof DataException d) {
                throw d;
            }
            jpeg.dispose(); // its native state may be of the failed file
            jpeg = null;
            return other(data, name); // TwelveMonkeys' reader forgives odd segments that the JDK's does not
        }
    }

    private Raster readRaster(byte[] data, String name) throws IOException {
        if (jpeg == null) {
            jpeg = jdkJpegReader();
        }
        warnings.clear();
        try (ByteArrayInput input = new ByteArrayInput(data)) {
            jpeg.setInput(input, true, true);
            Raster raster = jpeg.readRaster(0, null);
            checkWarnings(name);
            return raster;
        } finally {
            jpeg.setInput(null);
        }
    }

    private static RgbImage convert(Raster raster, JpegHeader header) {
        int width = raster.getWidth();
        int height = raster.getHeight();
        ComponentSampleModel model = (ComponentSampleModel) raster.getSampleModel();
        byte[] in = ((DataBufferByte) raster.getDataBuffer()).getData();
        byte[] out = new byte[width * height * 3];
        int[] bands = model.getBandOffsets();
        int components = bands.length;
        int t = 0;
        for (int y = 0; y < height; y++) {
            int p = y * model.getScanlineStride();
            for (int x = 0; x < width; x++, p += model.getPixelStride(), t += 3) {
                if (components == 1) {
                    byte gray = in[p];
                    out[t] = gray;
                    out[t + 1] = gray;
                    out[t + 2] = gray;
                } else if (header.rgb()) {
                    out[t] = in[p + bands[0]];
                    out[t + 1] = in[p + bands[1]];
                    out[t + 2] = in[p + bands[2]];
                } else {
                    YCbCr.toRgb(in[p + bands[0]] & 0xFF, in[p + bands[1]] & 0xFF, in[p + bands[2]] & 0xFF, out, t);
                }
            }
        }
        return new RgbImage(width, height, out);
    }

    private RgbImage other(byte[] data, String name) throws IOException {
        try (ByteArrayInput input = new ByteArrayInput(data)) {
            ImageReader reader = readerOf(input, name);
            warnings.clear();
            reader.setInput(input, true, true);
            try {
                checkSize(reader.getWidth(0), reader.getHeight(0), name);
                BufferedImage image = reader.read(0);
                checkWarnings(name);
                return toRgb(image);
            } finally {
                reader.setInput(null);
            }
        }
    }

    private void checkSize(long width, long height, String name) {
        if (width < 1 || height < 1) {
            throw bad(name, "the image has no pixels", width + "x" + height, null);
        }
        if (width * height > maxPixels) {
            throw new DataException(name, "the image is too large", width + "x" + height + " (" + width * height + " pixels)",
                    "at most " + maxPixels + " pixels", "make it smaller, remove it, or raise the limit on pixels");
        }
    }

    /** A warning that says pixels were made up condemns the image; the others (unknown segments, stray bytes) do not. */
    private void checkWarnings(String name) {
        for (String w : warnings) {
            String text = w.toLowerCase(Locale.ROOT);
            if (text.contains("premature end") || text.contains("bad huffman") || text.contains("instead of rst") || text.contains("truncated")) {
                throw bad(name, "the image data is damaged", oneLine(w), null);
            }
        }
    }

    private ImageReader readerOf(ByteArrayInput input, String name) {
        for (Iterator<ImageReader> all = ImageIO.getImageReaders(input); all.hasNext();) {
            ImageReader candidate = all.next();
            ImageReaderSpi spi = candidate.getOriginatingProvider();
            ImageReader known = readers.get(spi);
            if (known != null) {
                return known;
            }
            // For JPEG both the JDK and TwelveMonkeys answer; only the latter reads CMYK.
            if (spi.getClass().getName().startsWith(JDK_JPEG) && all.hasNext()) {
                continue;
            }
            listen(candidate);
            readers.put(spi, candidate);
            return candidate;
        }
        throw bad(name, "the file is no image that can be read", "bytes of an unknown format", null);
    }

    private ImageReader jdkJpegReader() throws IOException {
        for (Iterator<ImageReaderSpi> all = IIORegistry.getDefaultInstance().getServiceProviders(ImageReaderSpi.class, true); all.hasNext();) {
            ImageReaderSpi spi = all.next();
            if (spi.getClass().getName().startsWith(JDK_JPEG)) {
                ImageReader reader = spi.createReaderInstance();
                listen(reader);
                return reader;
            }
        }
        throw new IOException("this Java runtime has no JPEG reader (module java.desktop)");
    }

    private void listen(ImageReader reader) {
        reader.addIIOReadWarningListener((source, warning) -> warnings.add(warning));
    }

    /** Samples as they are stored, not through the colour model: Java would brighten "linear" gray and apply profiles. */
    private static RgbImage toRgb(BufferedImage image) {
        int width = image.getWidth();
        int height = image.getHeight();
        byte[] out = new byte[width * height * 3];
        ColorModel colors = image.getColorModel();
        int bits = DataBuffer.getDataTypeSize(colors.getTransferType());
        boolean stored = colors instanceof ComponentColorModel && (bits == 8 || colors.getTransferType() == DataBuffer.TYPE_USHORT)
                && (colors.getNumColorComponents() == 1 || colors.getNumColorComponents() == 3) && !colors.isAlphaPremultiplied();
        int[] line = new int[width * Math.max(image.getRaster().getNumBands(), 1)];
        int bands = image.getRaster().getNumBands();
        int t = 0;
        for (int y = 0; y < height; y++) {
            if (stored) {
                image.getRaster().getPixels(0, y, width, 1, line);
                int green = colors.getNumColorComponents() == 3 ? 1 : 0;
                for (int p = 0; p < width * bands; p += bands, t += 3) {
                    out[t] = (byte) (line[p] >> bits - 8);
                    out[t + 1] = (byte) (line[p + green] >> bits - 8);
                    out[t + 2] = (byte) (line[p + 2 * green] >> bits - 8);
                }
            } else {
                image.getRGB(0, y, width, 1, line, 0, width);
                for (int x = 0; x < width; x++, t += 3) {
                    out[t] = (byte) (line[x] >> 16);
                    out[t + 1] = (byte) (line[x] >> 8);
                    out[t + 2] = (byte) line[x];
                }
            }
        }
        return new RgbImage(width, height, out);
    }

    private static DataException bad(String name, String problem, String got, Exception cause) {
        return new DataException(name, problem, got, "a whole JPEG, PNG, GIF, BMP or TIFF image", "replace or remove the file", cause);
    }

    private static String oneLine(String text) {
        return text.replaceAll("\\s+", " ").strip();
    }
}

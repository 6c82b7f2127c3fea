package dev.jacquard.data;

import dev.jacquard.tensor.DataException;
import java.awt.Rectangle;
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
import javax.imageio.ImageReadParam;
import javax.imageio.ImageReader;
import javax.imageio.spi.IIORegistry;
import javax.imageio.spi.ImageReaderSpi;

/**
 * Decodes what ImageIO reads. Readers are created once and used again; their rasters are new for each image, of its size.
 *
 * <p>Gray and three-component JPEGs take a short way: the JDK's reader gives the raw components and the colours are converted here with libjpeg's
 * integers. A warning that pixels were made up condemns an image. Not thread-safe.
 */
final class ImageIoCodec implements AutoCloseable {
    private static final String JDK_JPEG = "com.sun.imageio.plugins.jpeg.";

    static {
        ImageIO.setUseCache(false);
    }

    private final Map<ImageReaderSpi, ImageReader> readers = new HashMap<>();
    private final List<String> warnings = new ArrayList<>();
    private ImageReader jpeg;
    private int[] line = new int[0];

    /** Width and height of an image that is no JPEG. @throws DataException if it is of no known format */
    int[] size(byte[] data, int length, String name) throws IOException {
        try (ByteArrayInput input = new ByteArrayInput(data, length)) {
            ImageReader reader = readerOf(input, name);
            reader.setInput(input, true, true);
            try {
                return new int[] {reader.getWidth(0), reader.getHeight(0)};
            } finally {
                reader.setInput(null);
            }
        }
    }

    /**
     * Decodes a gray or three-component JPEG of 8 bits.
     *
     * @param sound whether all of the file is known to be good; if not, it is read to its end
     */
    void jpeg(byte[] data, int length, String name, JpegHeader header, Wanted wanted, boolean sound, Picture out) throws IOException {
        int top = header.tall() == 0 ? wanted.top() : TallChroma.firstRow(wanted.top());
        int bottom = !sound ? header.height() : header.tall() == 0 ? wanted.top() + wanted.height() : TallChroma.endRow(wanted.top() + wanted.height(), header.height());
        try {
            Raster raster = readRaster(data, length, name, new Rectangle(wanted.left(), top, wanted.width(), bottom - top)); // the reader stops below the region
            if (header.tall() != 0) {
                smooth(raster, header.tall());
            }
            convert(raster, wanted.top() - top, header, wanted, out);
        } catch (IOException | RuntimeException e) {
            if (e instanceof DataException d) {
                throw d;
            }
            jpeg.dispose(); // its native state may be of the failed file
            jpeg = null;
            any(data, length, name, header.width(), header.height(), wanted, out); // TwelveMonkeys' reader forgives odd segments that the JDK's does not
        }
    }

    /** Decodes an image of any format, whose header said this width and height. */
    void any(byte[] data, int length, String name, int width, int height, Wanted wanted, Picture out) throws IOException {
        try (ByteArrayInput input = new ByteArrayInput(data, length)) {
            ImageReader reader = readerOf(input, name);
            warnings.clear();
            reader.setInput(input, true, true);
            try {
                if (reader.getWidth(0) != width || reader.getHeight(0) != height) { // what was checked is not what would be allocated
                    throw ImageDecoder.bad(name, "the image contradicts itself", width + "x" + height + " and " + reader.getWidth(0) + "x" + reader.getHeight(0), null);
                }
                BufferedImage image = reader.read(0);
                checkWarnings(name);
                if (image.getWidth() != width || image.getHeight() != height) {
                    throw ImageDecoder.bad(name, "the image is not what its header says", image.getWidth() + "x" + image.getHeight() + " instead of " + width + "x" + height, null);
                }
                toRgb(image, wanted, out);
            } finally {
                reader.setInput(null);
            }
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

    private Raster readRaster(byte[] data, int length, String name, Rectangle region) throws IOException {
        if (jpeg == null) {
            jpeg = jdkJpegReader();
        }
        warnings.clear();
        try (ByteArrayInput input = ByteArrayInput.withoutProfile(data, length)) {
            jpeg.setInput(input, true, true);
            ImageReadParam part = jpeg.getDefaultReadParam();
            part.setSourceRegion(region);
            Raster raster = jpeg.readRaster(0, part);
            checkWarnings(name);
            return raster;
        } finally {
            jpeg.setInput(null);
        }
    }

    private static void smooth(Raster raster, int tall) {
        ComponentSampleModel model = (ComponentSampleModel) raster.getSampleModel();
        TallChroma.smooth(((DataBufferByte) raster.getDataBuffer()).getData(), model.getScanlineStride(), raster.getHeight(), model.getNumBands(), tall);
    }

    private static void convert(Raster raster, int skipped, JpegHeader header, Wanted wanted, Picture picture) {
        ComponentSampleModel model = (ComponentSampleModel) raster.getSampleModel();
        byte[] in = ((DataBufferByte) raster.getDataBuffer()).getData();
        byte[] out = picture.reset(header.width(), header.height(), wanted.unreduced());
        int stride = model.getScanlineStride();
        int width = wanted.width();
        for (int y = 0; y < wanted.height(); y++) {
            int from = (skipped + y) * stride;
            int to = y * width * 3;
            if (model.getNumBands() == 1) {
                for (int x = 0; x < width; x++, to += 3) {
                    byte gray = in[from + x];
                    out[to] = gray;
                    out[to + 1] = gray;
                    out[to + 2] = gray;
                }
            } else if (header.rgb()) {
                System.arraycopy(in, from, out, to, width * 3);
            } else {
                YCbCr.toRgb(in, from, out, to, width);
            }
        }
    }

    /** A warning that says pixels were made up condemns the image; the others (unknown segments, stray bytes) do not. */
    private void checkWarnings(String name) {
        for (String w : warnings) {
            String text = w.toLowerCase(Locale.ROOT);
            if (text.contains("premature end") || text.contains("bad huffman") || text.contains("instead of rst") || text.contains("truncated")) {
                throw ImageDecoder.bad(name, "the image data is damaged", ImageDecoder.oneLine(w), null);
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
        throw ImageDecoder.bad(name, "the file is no image that can be read", "bytes of an unknown format", null);
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
    private void toRgb(BufferedImage image, Wanted wanted, Picture picture) {
        int width = wanted.width();
        byte[] out = picture.reset(image.getWidth(), image.getHeight(), wanted.unreduced());
        ColorModel colors = image.getColorModel();
        int bits = DataBuffer.getDataTypeSize(colors.getTransferType());
        boolean stored = colors instanceof ComponentColorModel && (bits == 8 || colors.getTransferType() == DataBuffer.TYPE_USHORT)
                && (colors.getNumColorComponents() == 1 || colors.getNumColorComponents() == 3) && !colors.isAlphaPremultiplied();
        int bands = image.getRaster().getNumBands();
        line = line.length >= width * Math.max(bands, 1) ? line : new int[width * Math.max(bands, 1)];
        int t = 0;
        for (int y = wanted.top(); y < wanted.top() + wanted.height(); y++) {
            if (stored) {
                image.getRaster().getPixels(wanted.left(), y, width, 1, line);
                int green = colors.getNumColorComponents() == 3 ? 1 : 0;
                for (int p = 0; p < width * bands; p += bands, t += 3) {
                    out[t] = (byte) (line[p] >> bits - 8);
                    out[t + 1] = (byte) (line[p + green] >> bits - 8);
                    out[t + 2] = (byte) (line[p + 2 * green] >> bits - 8);
                }
            } else {
                image.getRGB(wanted.left(), y, width, 1, line, 0, width);
                for (int x = 0; x < width; x++, t += 3) {
                    out[t] = (byte) (line[x] >> 16);
                    out[t + 1] = (byte) (line[x] >> 8);
                    out[t + 2] = (byte) line[x];
                }
            }
        }
    }
}

package dev.jacquard.data;

import dev.jacquard.data.JpegHeader.Coding;
import dev.jacquard.tensor.DataException;
import java.io.IOException;

/**
 * Decodes JPEG, PNG, GIF, BMP and TIFF to 8-bit RGB, to what PIL's {@code Image.open(f).convert("RGB")} gives:
 * gray is repeated, palettes are looked up, 16-bit samples keep their high byte, alpha is dropped (not blended), colour
 * profiles are ignored, and so is EXIF orientation unless it is asked for; CMYK and YCCK are converted by TwelveMonkeys' reader (with the file's
 * profile, if any).
 *
 * <p>Decoding has two steps: {@link #header} tells the size, from which a crop may be drawn, and {@link #decode(byte[], int, String, ImageHeader,
 * Wanted, boolean, Picture)} decodes what that crop needs.
 *
 * <p>Nothing is believed: dimensions are checked before any pixel memory is allocated, and so is whether the file is long enough to hold them. An
 * image that ends early, or whose data is damaged so that a reader warns of it, is bad, not gray at the bottom.
 *
 * <p>Not thread-safe: one per thread. {@link #close} frees the readers.
 */
public final class ImageDecoder implements AutoCloseable {
    /** The default limit of {@link #ImageDecoder(long)}: 64 Mi pixels (192 MiB decoded). */
    public static final long DEFAULT_MAX_PIXELS = 64L << 20;

    /** The most that all scans of a progressive JPEG may go over, in pixels: each costs time, however short it is. Files have about ten scans. */
    private static final long MAX_SCANNED_PIXELS = 1L << 30;

    private static final int MAX_SCANS = 500;

    /** The most that any format makes of a byte: deflate, on pixels of one bit. */
    private static final int MAX_PIXELS_PER_BYTE = 8 * PngHeader.DEFLATE_RATIO;
    private static final int FEW_PIXELS = 1 << 20; // may be allocated whatever the file

    private final long maxPixels;
    private final boolean upright;
    private final JpegCodec jpegs; // null where there is no library
    private final ImageIoCodec imageIo = new ImageIoCodec();
    private final Picture stored = new Picture(); // what is still to be turned

    /** A decoder with the default limit. */
    public ImageDecoder() {
        this(DEFAULT_MAX_PIXELS);
    }

    /** A decoder that refuses images of more than {@code maxPixels} pixels. */
    public ImageDecoder(long maxPixels) {
        this(maxPixels, false);
    }

    /**
     * A decoder with all options.
     *
     * @param maxPixels the most pixels of an image
     * @param upright   whether JPEGs are turned upright as their EXIF orientation says; PIL and torchvision do not
     */
    public ImageDecoder(long maxPixels, boolean upright) {
        this(maxPixels, upright, JpegLibrary.here().library());
    }

    /** A decoder with all options and a library for JPEGs, or null for none. */
    ImageDecoder(long maxPixels, boolean upright, JpegLibrary library) {
        this.jpegs = library == null ? null : library.codec();
        this.maxPixels = Math.clamp(maxPixels, 1, Integer.MAX_VALUE / 3 - 8);
        this.upright = upright;
    }

    /** What decodes JPEGs in this process, and why: a line for people. */
    public static String describe() {
        JpegLibrary.Found found = JpegLibrary.here();
        return found.library() != null ? found.why() : "the JDK's; libjpeg-turbo, which decodes three times as fast, is not used: " + found.why();
    }

    /** What decodes JPEGs in this process: {@code libjpeg}, {@code libturbojpeg} or {@code java}. */
    public static String codec() {
        JpegLibrary library = JpegLibrary.here().library();
        return library == null ? "java" : library.kind();
    }

    /**
     * Decodes one image.
     *
     * @param data the file's bytes
     * @param name what messages call it
     * @throws DataException if the bytes are no image, a damaged or incomplete one, or one over the limit
     */
    public RgbImage decode(byte[] data, String name) {
        ImageHeader header = header(data, data.length, name);
        Picture picture = new Picture();
        decode(data, data.length, name, header, Wanted.whole(header.width(), header.height()), false, picture);
        return picture.toImage();
    }

    /**
     * What an image is, without decoding it.
     *
     * @param data   holds the file's bytes
     * @param length how many
     * @param name   what messages call it
     * @throws DataException if the bytes are no image, or cannot be a whole one, or one over the limit
     */
    ImageHeader header(byte[] data, int length, String name) {
        if (length == 0) {
            throw bad(name, "the file is empty", "0 bytes", null);
        }
        try {
            if (JpegHeader.matches(data, length)) {
                return jpegHeader(data, length, name);
            }
            PngHeader png = PngHeader.parse(data, length);
            int[] size = png != null ? new int[] {png.width(), png.height()} : imageIo.size(data, length, name);
            checkSize(size[0], size[1], name);
            if (png != null && png.leastBytes() > length || (long) size[0] * size[1] - FEW_PIXELS > (long) MAX_PIXELS_PER_BYTE * length) {
                throw bad(name, "the image is truncated", length + " bytes for " + size[0] + "x" + size[1] + " pixels", null);
            }
            return new ImageHeader(size[0], size[1], ExifOrientation.NONE, null);
        } catch (IOException | RuntimeException e) {
            throw undecodable(name, e);
        }
    }

    private ImageHeader jpegHeader(byte[] data, int length, String name) {
        JpegHeader jpeg = JpegHeader.parse(data, length);
        if (jpeg == null) {
            throw bad(name, "the JPEG has no complete header", length + " bytes without a frame and a scan", null);
        }
        checkSize(jpeg.width(), jpeg.height(), name);
        if (!jpeg.complete()) {
            throw bad(name, "the JPEG is truncated", length + " bytes without an end-of-image marker", null);
        }
        int leastBits = jpeg.coding() == Coding.SEQUENTIAL ? 2 : 1; // of a block: one code of DC and, unless scans share it, one that ends it
        if (jpeg.coding() != Coding.OTHER && jpeg.blocks() * leastBits > 8L * length) {
            throw bad(name, "the JPEG is truncated", length + " bytes for " + jpeg.blocks() + " blocks of 8x8", null);
        }
        if (jpeg.scans() > MAX_SCANS || (long) jpeg.scans() * jpeg.width() * jpeg.height() > Math.max(MAX_SCANNED_PIXELS, 16 * maxPixels)) {
            throw new DataException(name, "the progressive JPEG has too many scans", jpeg.scans() + " of " + jpeg.width() + "x" + jpeg.height() + " pixels",
                    "at most " + MAX_SCANS + ", and of large images fewer", "save it again with about ten");
        }
        int orientation = upright ? jpeg.orientation() : ExifOrientation.NONE;
        boolean swap = ExifOrientation.swaps(orientation);
        return new ImageHeader(swap ? jpeg.height() : jpeg.width(), swap ? jpeg.width() : jpeg.height(), orientation, jpeg);
    }

    /**
     * Decodes a part of an image.
     *
     * @param data   holds the file's bytes
     * @param length how many
     * @param name   what messages call it
     * @param header what {@link #header} said of the same bytes
     * @param wanted which part, within the image
     * @param sound  whether all of the image has been decoded before, in this run or another: damage outside of the part may then go unnoticed. If not, an
     *               image is good or bad whatever part is wanted
     * @param out    becomes a picture that covers what is wanted, or more, at full size or reduced by no more than is wanted
     * @throws DataException if the image is damaged or incomplete
     */
    void decode(byte[] data, int length, String name, ImageHeader header, Wanted wanted, boolean sound, Picture out) {
        try {
            if (header.orientation() == ExifOrientation.NONE) {
                decodeStored(data, length, name, header, wanted, sound, out);
            } else {
                decodeStored(data, length, name, header, ExifOrientation.stored(wanted, header.orientation(), header.storedWidth(), header.storedHeight()), sound, stored);
                ExifOrientation.turn(stored, header.orientation(), out);
            }
        } catch (IOException | RuntimeException e) {
            throw undecodable(name, e);
        }
    }

    private void decodeStored(byte[] data, int length, String name, ImageHeader header, Wanted wanted, boolean sound, Picture out) throws IOException {
        JpegHeader jpeg = header.jpeg();
        if (jpeg == null) {
            imageIo.any(data, length, name, header.storedWidth(), header.storedHeight(), wanted, out);
        } else if (!jpeg.whole()) {
            try (ImageIoCodec fresh = new ImageIoCodec()) { // one that remembers no other file's tables
                fresh.any(data, length, name, jpeg.width(), jpeg.height(), wanted, out);
            }
        } else if (jpeg.coding() == Coding.OTHER || jpeg.precision() != 8 || jpeg.components() != 1 && jpeg.components() != 3) {
            imageIo.any(data, length, name, jpeg.width(), jpeg.height(), wanted, out);
        } else if (jpegs == null || jpeg.tall() != 0 || !jpegs.decode(data, length, jpeg, wanted, sound, out)) {
            imageIo.jpeg(data, length, name, jpeg, wanted, sound, out);
        }
    }

    /** Frees the readers' native memory. */
    @Override
    public void close() {
        if (jpegs != null) {
            jpegs.close();
        }
        imageIo.close();
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

    private static DataException undecodable(String name, Exception e) {
        return e instanceof DataException d ? d
                : bad(name, "the image does not decode", e.getMessage() == null ? e.getClass().getSimpleName() : oneLine(e.getMessage()), e);
    }

    /** The error for a bad image. */
    static DataException bad(String name, String problem, String got, Exception cause) {
        return new DataException(name, problem, got, "a whole JPEG, PNG, GIF, BMP or TIFF image", "replace or remove the file", cause);
    }

    /** A message of a library without line breaks. */
    static String oneLine(String text) {
        return text.replaceAll("\\s+", " ").strip();
    }
}

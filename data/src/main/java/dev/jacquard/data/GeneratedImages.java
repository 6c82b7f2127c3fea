package dev.jacquard.data;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DeviceException;
import dev.jacquard.tensor.EngineBugException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.stream.IntStream;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/**
 * The built-in data set, for a first run without any files: drawn pictures of ten classes, 40x40, JPEG-encoded in memory, so that
 * they go the way of real files. Position, size, rotation, colours, outline, background, clutter and noise vary; which is
 * brighter, figure or ground, is left to chance, so that no linear model does well.
 *
 * <p>A picture is a pure function of (seed, split, index); the two splits never share a stream of random numbers. The label of
 * sample {@code i} is {@code i % 10}: balanced. Its bytes are the same in every run on one Java runtime; another runtime's Java2D
 * may draw an edge pixel differently.
 *
 * <p>Pictures are drawn at their first use and kept encoded (about 1 KB each).
 */
public final class GeneratedImages implements ImageSource {
    /** Height and width of the pictures. */
    public static final int SIZE = 40;

    private static final float QUALITY = 0.92f;
    private static final List<String> CLASSES = List.of("checkerboard", "circle", "crescent", "cross", "heart", "ring", "square", "star", "stripes", "triangle");

    /** The two streams of pictures, disjoint for every seed. */
    public enum Split {
        /** For training. */
        TRAIN,
        /** Held out, for evaluation. */
        TEST
    }

    private final long seed;
    private final Split split;
    private final AtomicReferenceArray<byte[]> encoded;
    private final ConcurrentLinkedQueue<ImageWriter> writers = new ConcurrentLinkedQueue<>(); // idle ones: making one takes longer than a picture

    /**
     * A data set of {@code count} pictures; nothing is drawn yet.
     *
     * @throws CallerException if {@code count} is below 1
     */
    public GeneratedImages(long seed, Split split, int count) {
        if (count < 1) {
            throw new CallerException("generated images", "no pictures asked for", Integer.toString(count), "at least 1", "raise the count");
        }
        this.seed = seed;
        this.split = split;
        this.encoded = new AtomicReferenceArray<>(count);
    }

    /** Draws all pictures now, on all cores; returns itself. */
    public GeneratedImages drawAll() {
        IntStream.range(0, size()).parallel().forEach(this::bytes);
        return this;
    }

    @Override
    public int size() {
        return encoded.length();
    }

    @Override
    public byte[] bytes(int index) {
        byte[] known = encoded.get(index);
        if (known == null) {
            known = encode(index);
            encoded.set(index, known); // two threads may both draw it: the same bytes
        }
        return known;
    }

    @Override
    public int label(int index) {
        return index % CLASSES.size();
    }

    /** {@code generated/train/17-star}. */
    @Override
    public String name(int index) {
        return "generated/" + split.name().toLowerCase(Locale.ROOT) + "/" + index + "-" + CLASSES.get(label(index));
    }

    @Override
    public List<String> classes() {
        return CLASSES;
    }

    /** Frees the encoders; the pictures stay readable. */
    @Override
    public void close() {
        for (ImageWriter w; (w = writers.poll()) != null;) {
            w.dispose();
        }
    }

    private byte[] encode(int index) {
        SampleRandom random = new SampleRandom().at(seed, split.ordinal(), index, SampleRandom.DRAW);
        IIOImage image = new IIOImage(PictureArtist.draw(CLASSES.get(label(index)), SIZE, random), null, null);
        ImageWriter writer = writers.poll();
        if (writer == null) {
            writer = jpegWriter();
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(2048);
        try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
            ImageWriteParam param = writer.getDefaultWriteParam();
            param.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
            param.setCompressionQuality(QUALITY);
            writer.setOutput(out);
            writer.write(null, image, param);
            writer.setOutput(null);
            writers.add(writer);
        } catch (IOException e) {
            throw new EngineBugException("generated images", "a picture does not encode", e.toString(), "a JPEG in memory", "report " + name(index) + ", seed " + seed, e);
        }
        return bytes.toByteArray();
    }

    /** The JDK's own writer, if it is there: another one on the class path shall not change the bytes. */
    private static ImageWriter jpegWriter() {
        ImageWriter writer = null;
        for (Iterator<ImageWriter> all = ImageIO.getImageWritersByFormatName("jpeg"); all.hasNext();) {
            ImageWriter next = all.next();
            if (writer == null || next.getClass().getName().startsWith("com.sun.imageio.")) {
                writer = next;
            }
        }
        if (writer == null) {
            throw new DeviceException("generated images", "this Java runtime has no JPEG writer", "none in ImageIO", "a runtime with the module java.desktop",
                    "use a full JDK or a data set of files");
        }
        return writer;
    }
}

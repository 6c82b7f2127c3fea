package dev.jacquard.data;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DataException;
import java.util.BitSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is known of a source's images: decoded pixels, as they come and as far as there is room, and which images are bad. A training in stages
 * hands one cache to the loader of each stage, so that a new image size costs no decoding and no second copy:
 *
 * <pre>{@code
 * ImageCache cache = new ImageCache(source, 1L << 30);
 * Loader.train(source, Transform.Train.tensorflow(171)).cache(cache)...
 * }</pre>
 *
 * <p>Thread-safe; may serve several loaders at once.
 */
public final class ImageCache {
    private static final Logger LOG = LoggerFactory.getLogger(ImageCache.class);
    private static final int LISTED_BAD_IMAGES = 10;

    private final ImageSource source;
    private final AtomicReferenceArray<RgbImage> decoded; // null where nothing is kept
    private final AtomicLong room;
    private final BitSet bad = new BitSet(); // guarded by itself
    private final BitSet sound = new BitSet(); // guarded by itself
    private int badReported;

    /**
     * An empty cache.
     *
     * @param source whose images
     * @param bytes  decoded pixels to keep in all; 0 or less keeps none, and the bad images are remembered all the same
     */
    public ImageCache(ImageSource source, long bytes) {
        this.source = source;
        this.decoded = bytes > 0 ? new AtomicReferenceArray<>(source.size()) : null;
        this.room = new AtomicLong(bytes);
    }

    /** Number of images found bad so far. */
    public int badImages() {
        synchronized (bad) {
            return bad.cardinality();
        }
    }

    /** Refuses to serve another source. @throws CallerException if {@code other} is not the cache's source */
    void require(ImageSource other) {
        if (source != other) {
            throw new CallerException("image cache", "belongs to another source", "a source of " + other.size() + " images", "the cache's, of " + source.size(),
                    "make a cache for each source");
        }
    }

    /** The decoded image of a sample; null if it is not kept. */
    RgbImage kept(int sample) {
        return decoded == null ? null : decoded.get(sample);
    }

    /** Whether there may be room for another image. */
    boolean hasRoom() {
        return decoded != null && room.get() > 0;
    }

    /** Keeps a sample's decoded image, whole and exact, if there is room. */
    void keep(int sample, RgbImage image) {
        int bytes = image.pixels().length;
        if (room.addAndGet(-bytes) < 0 || !decoded.compareAndSet(sample, null, image)) {
            room.addAndGet(bytes); // no room, or another thread was first
        }
    }

    /** Whether a sample is known to be bad. */
    boolean isBad(int sample) {
        synchronized (bad) {
            return bad.get(sample);
        }
    }

    /** Whether all of a sample's image was decoded before, and found good. */
    boolean isSound(int sample) {
        synchronized (sound) {
            return sound.get(sample);
        }
    }

    /** Remembers that all of a sample's image was looked at, and is good. */
    void markSound(int sample) {
        synchronized (sound) {
            sound.set(sample);
        }
    }

    /** Remembers that a sample is bad, with a warning for each of the first few. */
    void markBad(int sample, DataException reason) {
        int count;
        synchronized (bad) {
            if (bad.get(sample)) {
                return;
            }
            bad.set(sample);
            count = bad.cardinality();
        }
        if (count <= LISTED_BAD_IMAGES) {
            LOG.warn("image skipped: {}", reason.getMessage());
        } else if (count == LISTED_BAD_IMAGES + 1) {
            LOG.warn("more than {} images are bad; the rest is counted at the end of the epoch", LISTED_BAD_IMAGES);
        }
    }

    /** Logs how many images are bad, if they are many and were not as many before. */
    void reportBad() {
        int count;
        synchronized (bad) {
            count = bad.cardinality();
            if (count <= LISTED_BAD_IMAGES || count == badReported) {
                return;
            }
            badReported = count;
        }
        LOG.warn("{} of {} images are bad and were skipped", count, source.size());
    }

    /** The error for a source without a good image. */
    DataException allBad() {
        return new DataException(source.name(0), "no image of the data set decodes", badImages() + " bad of " + source.size(), "at least one good image",
                "see the warnings above for each file's reason");
    }
}

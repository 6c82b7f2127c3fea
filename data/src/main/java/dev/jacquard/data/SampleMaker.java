package dev.jacquard.data;

import dev.jacquard.data.StageTimes.Stage;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.EngineBugException;
import dev.jacquard.tensor.JacquardException;
import java.lang.foreign.MemorySegment;

/** One thread of a loader: makes the pictures of samples, with memory of its own that it uses again, and counts where its time goes. Not thread-safe, but for {@link #times}. */
final class SampleMaker implements AutoCloseable {
    private final ImageSource source;
    private final ImageCache cache;
    private final Transform transform;
    private final long seed;
    private final boolean keeps;
    private final StageClock clock;
    private final Encoded encoded = new Encoded();
    private final ImageWorker worker;

    /** Makes what is needed. @param decoding reduced pictures are never kept: they are good for one crop only */
    SampleMaker(ImageSource source, ImageCache cache, Transform transform, long seed, ImageDecoder decoder, Decoding decoding, StageClock clock) {
        this.source = source;
        this.cache = cache;
        this.transform = transform;
        this.seed = seed;
        this.keeps = decoding == Decoding.EXACT;
        this.clock = clock;
        this.worker = new ImageWorker(transform, decoder, decoding, clock);
    }

    /**
     * Makes a picture.
     *
     * @param sample which
     * @param drawn the sample whose random numbers are used
     * @param out where (size, size, 3) bytes go, from {@code offset} on
     * @return false if the sample is bad: what is in its place is undefined then
     */
    boolean make(int sample, long epoch, long drawn, MemorySegment out, long offset) {
        try {
            RgbImage known = keeps ? cache.kept(sample) : null;
            if (known == null && cache.isBad(sample)) {
                return false;
            }
            if (known == null) {
                source.read(sample, encoded);
                clock.lap(Stage.READ);
                if (!keeps || !cache.hasRoom()) {
                    worker.process(encoded.bytes(), encoded.length(), source.name(sample), cache.isSound(sample), seed, epoch, drawn, out, offset);
                    cache.markSound(sample);
                    return true;
                }
                known = worker.decode(encoded.bytes(), encoded.length(), source.name(sample));
                cache.keep(sample, known);
            }
            worker.transform(known, seed, epoch, drawn, out, offset);
            return true;
        } catch (DataException e) {
            cache.markBad(sample, e);
            return false;
        } catch (JacquardException e) {
            throw e;
        } catch (RuntimeException e) { // not the image's fault: the run ends, and says at which image
            throw new EngineBugException(source.name(sample), "the image pipeline failed", e.toString(), "a picture of " + transform.size()
                    + " pixels, or a reason why there is none",
                    "report it with the image", e);
        }
    }

    /** The thread's clock. */
    StageClock clock() {
        return clock;
    }

    @Override
    public void close() {
        worker.close();
    }
}

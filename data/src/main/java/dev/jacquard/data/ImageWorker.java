package dev.jacquard.data;

import dev.jacquard.data.Resampler.Job;
import dev.jacquard.data.StageTimes.Stage;
import java.lang.foreign.MemorySegment;

/**
 * What one thread needs to turn encoded bytes into pixels of a batch: decoder, picture, resampler, canvas, random numbers. Of images' size it
 * allocates nothing but what grows once, as far as their decoder does so. Not thread-safe.
 */
final class ImageWorker implements AutoCloseable {
    private final ImageDecoder decoder;
    private final Transform transform;
    private final Decoding decoding;
    private final Picture picture = new Picture();
    private final Resampler resampler = new Resampler();
    private final Canvas canvas = new Canvas();
    private final SampleRandom random = new SampleRandom();
    private final StageClock clock;

    /** A worker that decodes exactly. */
    ImageWorker(Transform transform, long maxPixels) {
        this(transform, new ImageDecoder(maxPixels), Decoding.EXACT);
    }

    /** A worker whose time nobody asks for. */
    ImageWorker(Transform transform, ImageDecoder decoder, Decoding decoding) {
        this(transform, decoder, decoding, new StageClock());
    }

    /** A worker. @param decoder is closed with it @param clock is told of each stage */
    ImageWorker(Transform transform, ImageDecoder decoder, Decoding decoding, StageClock clock) {
        this.clock = clock;
        this.transform = transform;
        this.decoder = decoder;
        this.decoding = decoding;
    }

    /** Decodes all of an image, to be kept; errors as {@link ImageDecoder#decode}. */
    RgbImage decode(byte[] data, int length, String name) {
        ImageHeader header = decoder.header(data, length, name);
        Picture whole = new Picture();
        decoder.decode(data, length, name, header, Wanted.whole(header.width(), header.height()), false, whole);
        clock.lap(Stage.DECODE);
        return whole.toImage();
    }

    /** As the other, of an image that may not be sound. */
    void process(byte[] data, int length, String name, long seed, long epoch, long sample, MemorySegment out, long offset) {
        process(data, length, name, false, seed, epoch, sample, out, offset);
    }

    /**
     * Decodes what the transform reads of an image, and transforms it into (size, size, 3) bytes at {@code offset}.
     *
     * @param data   holds the file's bytes
     * @param length how many
     * @param name   what messages call it
     * @param sound  whether the image has been processed before, without an error; see {@link ImageDecoder#decode}
     * @throws dev.jacquard.tensor.DataException as {@link ImageDecoder#decode}; {@code out} is undefined then
     */
    void process(byte[] data, int length, String name, boolean sound, long seed, long epoch, long sample, MemorySegment out, long offset) {
        ImageHeader header = decoder.header(data, length, name);
        Job job = draw(header.width(), header.height(), seed, epoch, sample);
        decoder.decode(data, length, name, header, Wanted.of(job, header.width(), header.height(), decoding), sound, picture);
        clock.lap(Stage.DECODE);
        finish((to, at) -> resampler.resize(picture, job, to, at), out, offset);
    }

    /** Transforms into (size, size, 3) bytes at {@code offset}; the random numbers are those of (seed, epoch, sample). */
    void transform(RgbImage image, long seed, long epoch, long sample, MemorySegment out, long offset) {
        Job job = draw(image.width(), image.height(), seed, epoch, sample);
        finish((to, at) -> resampler.resize(image, job, to, at), out, offset);
    }

    private Job draw(int width, int height, long seed, long epoch, long sample) {
        return switch (transform) {
            case Transform.Eval t -> t.job(width, height);
            case Transform.Train t -> t.job(width, height, random.at(seed, epoch, sample, SampleRandom.AUGMENT));
        };
    }

    private Augmentation augmentation() {
        return transform instanceof Transform.Train t ? t.augmentation() : Augmentation.NONE;
    }

    /** Resizes to where it is told. */
    private interface Resize {
        void into(MemorySegment out, long offset);
    }

    /** Resizes into the batch, or onto the canvas, where it is augmented, and from there into the batch. */
    private void finish(Resize resize, MemorySegment out, long offset) {
        if (augmentation() instanceof Augmentation.None) {
            resize.into(out, offset);
            clock.lap(Stage.RESIZE);
            return;
        }
        canvas.reset(transform.size(), transform.size());
        resize.into(MemorySegment.ofArray(canvas.pixels()), 0);
        clock.lap(Stage.RESIZE);
        Augmenter.apply(augmentation(), canvas, random);
        clock.lap(Stage.AUGMENT);
        canvas.copyTo(out, offset);
        clock.lap(Stage.WRITE);
    }

    @Override
    public void close() {
        decoder.close();
    }
}

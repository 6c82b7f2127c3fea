package dev.jacquard.data;

import dev.jacquard.data.Resampler.Job;
import java.lang.foreign.MemorySegment;

/** What one thread needs to turn encoded bytes into pixels of a batch: decoder, resampler, canvas, random numbers. Not thread-safe. */
final class ImageWorker implements AutoCloseable {
    private final ImageDecoder decoder;
    private final Transform transform;
    private final Resampler resampler = new Resampler();
    private final Canvas canvas = new Canvas();
    private final SampleRandom random = new SampleRandom();

    ImageWorker(Transform transform, long maxPixels) {
        this.transform = transform;
        this.decoder = new ImageDecoder(maxPixels);
    }

    /** Decodes; errors as {@link ImageDecoder#decode}. */
    RgbImage decode(byte[] data, String name) {
        return decoder.decode(data, name);
    }

    /** Transforms into (size, size, 3) bytes at {@code offset}; the random numbers are those of (seed, epoch, sample). */
    void transform(RgbImage image, long seed, long epoch, long sample, MemorySegment out, long offset) {
        switch (transform) {
            case Transform.Eval t -> resampler.resize(image, t.job(image.width(), image.height()), out, offset);
            case Transform.Train t -> {
                Job job = t.job(image.width(), image.height(), random.at(seed, epoch, sample, SampleRandom.AUGMENT));
                if (t.augmentation() instanceof Augmentation.None) {
                    resampler.resize(image, job, out, offset);
                } else {
                    canvas.reset(t.size(), t.size());
                    resampler.resize(image, job, MemorySegment.ofArray(canvas.pixels()), 0);
                    Augmenter.apply(t.augmentation(), canvas, random);
                    canvas.copyTo(out, offset);
                }
            }
        }
    }

    @Override
    public void close() {
        decoder.close();
    }
}

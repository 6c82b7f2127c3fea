package dev.jacquard.data;

import java.lang.foreign.MemorySegment;

/** What one thread needs to turn encoded bytes into pixels of a batch: decoder, resampler, random numbers. Not thread-safe. */
final class ImageWorker implements AutoCloseable {
    private final ImageDecoder decoder;
    private final Transform transform;
    private final Resampler resampler = new Resampler();
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
            case Transform.Train t -> t.apply(image, random.at(seed, epoch, sample, SampleRandom.AUGMENT), resampler, out, offset);
            case Transform.Eval t -> t.apply(image, resampler, out, offset);
        }
    }

    @Override
    public void close() {
        decoder.close();
    }
}

package dev.jacquard.data;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A batch of pictures, in native memory that the loader uses again: valid until the next call to {@link Loader#next},
 * {@link Loader#seek} or {@link Loader#close}.
 *
 * <p>Places from {@link #count} to {@link #capacity} hold zeros and label 0.
 */
public final class Batch {
    private final int capacity;
    private final int size;
    private final MemorySegment images;
    private final MemorySegment labels;
    final int[] samples;
    final boolean[] filled;

    // Written by the loader under its lock.
    long sequence = -1;
    int[] order;
    int epoch;
    int index;
    /** The first place in the epoch's order. */
    long first;
    int planned;
    int unfinished;
    int count;
    Throwable failure;

    Batch(Arena arena, int capacity, int size) {
        this.capacity = capacity;
        this.size = size;
        this.images = arena.allocate((long) capacity * size * size * 3, 64);
        this.labels = arena.allocate(4L * capacity, 64);
        this.samples = new int[capacity];
        this.filled = new boolean[capacity];
    }

    /** The pixels, 8-bit RGB: (N, H, W, 3) with N = {@link #capacity}, H = W = {@link #imageSize}; native, 64-byte aligned. */
    public MemorySegment images() {
        return images;
    }

    /** The labels, 32-bit integers (N), native byte order, 64-byte aligned. */
    public MemorySegment labels() {
        return labels;
    }

    /** Number of pictures in the batch; below {@link #capacity} only in evaluation. */
    public int count() {
        return count;
    }

    /** N, the batch size of the loader. */
    public int capacity() {
        return capacity;
    }

    /** H = W. */
    public int imageSize() {
        return size;
    }

    /** The label of a picture. */
    public int label(int i) {
        return labels.getAtIndex(ValueLayout.JAVA_INT, i);
    }

    /** The sample of the source that a picture comes from. */
    public int sample(int i) {
        return samples[i];
    }

    /** Where in the sequence this batch stands. */
    public Position position() {
        return new Position(epoch, index);
    }

    long imageBytes() {
        return 3L * size * size;
    }

    /** Fills a place with noise. */
    void noise(int place, long seed) {
        SampleRandom random = new SampleRandom().at(seed, 0, place, SampleRandom.DRAW);
        for (long at = place * imageBytes(), end = at + imageBytes(); at < end; at++) {
            images.set(ValueLayout.JAVA_BYTE, at, (byte) random.nextLong());
        }
        samples[place] = place;
        filled[place] = true;
    }

    /** Moves the filled places to the front, in order, zeroes the rest, and sets the count. */
    void compact() {
        int n = 0;
        for (int i = 0; i < planned; i++) {
            if (!filled[i]) {
                continue;
            }
            if (n < i) {
                MemorySegment.copy(images, i * imageBytes(), images, n * imageBytes(), imageBytes());
                labels.setAtIndex(ValueLayout.JAVA_INT, n, label(i));
                samples[n] = samples[i];
            }
            n++;
        }
        images.asSlice(n * imageBytes()).fill((byte) 0);
        labels.asSlice(4L * n).fill((byte) 0);
        count = n;
    }
}

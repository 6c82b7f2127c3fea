package dev.jacquard.data;

/**
 * A counter-based generator of random numbers, one stream per (seed, epoch, sample, purpose). Draw {@code k} of a stream is
 * {@code mix(key + (k + 1) * G)}, where {@code mix} is the 64-bit finaliser of SplitMix64 (Steele, Lea, Flood, "Fast
 * splittable pseudorandom number generators", OOPSLA 2014; variant 13 of Stafford) and {@code G} its odd golden-ratio
 * constant; the key is made of the four coordinates by the same mix, one after the other. No state is shared between
 * samples, so the numbers do not depend on the order of work nor on the number of threads.
 *
 * <p>Not thread-safe; meant to be re-keyed ({@link #at}) and reused by one thread.
 */
final class SampleRandom {
    /** Purpose of a stream: order of an epoch. */
    static final int SHUFFLE = 1;
    /** Purpose of a stream: augmentation of a sample. */
    static final int AUGMENT = 2;
    /** Purpose of a stream: drawing of a generated picture. */
    static final int DRAW = 3;
    /** Purpose of a stream: mixing of a batch, whose number within the epoch takes the sample's place. */
    static final int MIX = 4;

    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private long key;
    private long counter;

    /** Points this generator at the start of a stream; returns itself. */
    SampleRandom at(long seed, long epoch, long sample, int purpose) {
        long k = mix(seed + GOLDEN);
        k = mix(k ^ mix(epoch + 2 * GOLDEN));
        k = mix(k ^ mix(sample + 3 * GOLDEN));
        key = mix(k ^ mix(purpose + 4 * GOLDEN));
        counter = 0;
        return this;
    }

    /** The next 64 bits. */
    long nextLong() {
        return mix(key + ++counter * GOLDEN);
    }

    /** Uniform in [0, 1), 53 bits. */
    double nextDouble() {
        return (nextLong() >>> 11) * 0x1.0p-53;
    }

    /** Uniform in [low, high). */
    double uniform(double low, double high) {
        return low + (high - low) * nextDouble();
    }

    /** Uniform in 0 to bound - 1, by the high half of a 64x64-bit product (bias below 2^-32 for any int bound). */
    int nextInt(int bound) {
        return (int) Math.unsignedMultiplyHigh(nextLong(), bound);
    }

    /** Nearly normal, mean 0 and deviation 1: the sum of the four 16-bit parts of one draw, centred and scaled (within 3.5). */
    double gaussian() {
        long bits = nextLong();
        long sum = (bits & 0xFFFF) + (bits >>> 16 & 0xFFFF) + (bits >>> 32 & 0xFFFF) + (bits >>> 48);
        return (sum - 2 * 65535.0) * (1 / (65536 * Math.sqrt(4 / 12.0)));
    }

    /**
     * The order of an epoch: Fisher and Yates's shuffle of 0 to n - 1, from the last place down, place {@code i} exchanged
     * with {@code nextInt(i + 1)} of the stream (seed, epoch, 0, SHUFFLE).
     */
    static int[] permutation(int n, long seed, long epoch) {
        return permutation(n, new SampleRandom().at(seed, epoch, 0, SHUFFLE));
    }

    /** The same with the draws of another stream. */
    static int[] permutation(int n, SampleRandom random) {
        int[] order = new int[n];
        for (int i = 0; i < n; i++) {
            order[i] = i;
        }
        for (int i = n - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int swap = order[i];
            order[i] = order[j];
            order[j] = swap;
        }
        return order;
    }

    private static long mix(long z) {
        z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return z ^ z >>> 31;
    }
}

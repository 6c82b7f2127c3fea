package dev.jacquard.train;

import dev.jacquard.data.StageTimes;
import java.util.function.LongSupplier;

/**
 * Counts the time that steps lose because their pictures are not there.
 *
 * <p>A wait for pictures while a device computes costs nothing unless it outlasts the computing. Whether it did is seen from what comes next: if the device then has to be waited
 * for, it was busy all along. If not, it became idle at some time during the wait, and all of the wait is counted, so that the share is an upper bound where the device is not the
 * CPU.
 */
final class DataWatch {
    /** Reading a loss off an idle device takes less. */
    private static final long IDLE_NANOS = 300_000;

    private final LongSupplier time;
    private StageTimes before = StageTimes.NONE;
    private double secondsBefore;
    private long waitedBefore;
    private long pending;
    private long fedAt;
    private long lost;
    private boolean muchBefore;

    DataWatch() {
        this(System::nanoTime);
    }

    /** @param time in nanoseconds */
    DataWatch(LongSupplier time) {
        this.time = time;
    }

    /** Another loader, which has not waited yet, takes over. */
    void begin() {
        before = StageTimes.NONE;
        waitedBefore = 0;
    }

    /** A batch was fed, while the step before may still be computed. @param waited nanoseconds that the loader has waited so far */
    void fed(long waited) {
        pending = waited - waitedBefore;
        waitedBefore = waited;
        fedAt = time.getAsLong();
    }

    /** The step before is computed. */
    void computed() {
        if (time.getAsLong() - fedAt < IDLE_NANOS) {
            lost += pending;
        }
        pending = 0;
    }

    /** What there is to say since the last call. @param seconds of training so far, evaluations left out @param times of the loader so far */
    DataShare line(double seconds, StageTimes times, int threads) {
        double elapsed = seconds - secondsBefore;
        StageTimes own = times.since(before);
        DataShare share = new DataShare(elapsed > 0 ? Math.clamp(lost * 1e-9 / elapsed, 0, 1) : 0, own.slowest().orElse(null),
                own.slowest().map(own::perSecond).orElse(0.0), threads);
        before = times;
        secondsBefore = seconds;
        lost = 0;
        return share;
    }

    /** Whether people should be told: it is much, and was so at the line before. What a run's beginning takes, once, is nobody's concern. */
    boolean worthSaying(DataShare share) {
        boolean twice = share.much() && muchBefore;
        muchBefore = share.much();
        return twice;
    }
}

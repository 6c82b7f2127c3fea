package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.Driver;
import java.util.Arrays;

/** Times work on a device by its own clock, as a median; with the caches as the work itself leaves them. Not thread-safe. */
final class LaunchTimer implements AutoCloseable {
    private static final int SAMPLES = 7;
    /** A sample is so long, by repeating what is short: an event's own time is about a microsecond. */
    private static final double SAMPLE_US = 200;
    private static final int MOST_REPEATS = 20;

    private final Device device;
    private final long begin;
    private final long end;

    LaunchTimer(Device device) {
        this.device = device;
        this.begin = device.driver().createEvent(true);
        this.end = device.driver().createEvent(true);
    }

    /**
     * Microseconds of work that has run before, so that everything is loaded. What the first sample finds to be slower than needed is not measured any closer.
     *
     * @param enough microseconds beyond which nobody cares how many it is
     */
    double us(CudaLaunch work, double enough) {
        double once = sample(work, 1);
        if (once > enough) {
            return once;
        }
        int repeats = (int) Math.clamp(Math.ceil(SAMPLE_US / Math.max(once, 1)), 1, MOST_REPEATS);
        double[] us = new double[SAMPLES];
        for (int i = 0; i < SAMPLES; i++) {
            us[i] = sample(work, repeats);
        }
        Arrays.sort(us);
        return us[SAMPLES / 2];
    }

    private double sample(CudaLaunch work, int repeats) {
        Driver driver = device.driver();
        long stream = device.stream();
        driver.record(begin, stream);
        for (int i = 0; i < repeats; i++) {
            work.enqueue(stream);
        }
        driver.record(end, stream);
        driver.synchronizeEvent(end);
        return 1000.0 * driver.milliseconds(begin, end) / repeats;
    }

    @Override
    public void close() {
        device.driver().destroyEvent(begin);
        device.driver().destroyEvent(end);
    }
}

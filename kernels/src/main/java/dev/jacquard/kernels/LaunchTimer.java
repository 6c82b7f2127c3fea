package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.kernels.driver.DriverException;
import java.util.Arrays;

/**
 * Times work on a device by its own clock, as a median; with the caches as the work itself leaves them. The work is recorded and replayed, as a plan does with it: launched one by one, short kernels would
 * take as long as the calls that launch them. Not thread-safe.
 */
final class LaunchTimer implements AutoCloseable {
    private static final int SAMPLES = 5;
    /** A sample is so long, by repeating what is short: an event's own time is about a microsecond. */
    private static final double SAMPLE_US = 100;
    private static final int MOST_REPEATS = 20;

    private final Device device;
    private final Driver driver;
    private final long capturing;
    private final long begin;
    private final long end;

    LaunchTimer(Device device) {
        this.device = device;
        this.driver = device.driver();
        this.capturing = driver.createStream();
        this.begin = driver.createEvent(true);
        this.end = driver.createEvent(true);
    }

    /**
     * Microseconds of work that has run before, so that everything is loaded. What the first sample finds to be slower than needed is not measured any closer.
     *
     * @param enough microseconds beyond which nobody cares how many it is
     */
    double us(CudaLaunch work, double enough) {
        double once = median(work, 1, 1);
        return once > enough ? once : median(work, (int) Math.clamp(Math.ceil(SAMPLE_US / Math.max(once, 1)), 1, MOST_REPEATS), SAMPLES);
    }

    private double median(CudaLaunch work, int repeats, int samples) {
        long graph = recorded(work, repeats);
        try {
            driver.launchGraph(graph, device.stream()); // its first launch uploads it
            double[] us = new double[samples];
            for (int i = 0; i < samples; i++) {
                driver.record(begin, device.stream());
                driver.launchGraph(graph, device.stream());
                driver.record(end, device.stream());
                driver.synchronizeEvent(end);
                us[i] = 1000.0 * driver.milliseconds(begin, end) / repeats;
            }
            Arrays.sort(us);
            return us[samples / 2];
        } finally {
            driver.destroyGraph(graph);
        }
    }

    private long recorded(CudaLaunch work, int repeats) {
        driver.beginCapture(capturing);
        try {
            for (int i = 0; i < repeats; i++) {
                work.enqueue(capturing);
            }
        } catch (RuntimeException e) {
            abandon(e);
            throw e;
        }
        return driver.endCapture(capturing);
    }

    /** A stream stays in recording until that is ended, whatever came of it. */
    private void abandon(RuntimeException because) {
        try {
            driver.destroyGraph(driver.endCapture(capturing));
        } catch (DriverException e) {
            because.addSuppressed(e);
        }
    }

    @Override
    public void close() {
        driver.destroyEvent(begin);
        driver.destroyEvent(end);
        driver.destroyStream(capturing);
    }
}

package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.kernels.driver.DriverException;
import java.util.Arrays;

/**
 * Times work on a device by its own clock, as a median; with the caches as the work itself leaves them. The work is recorded and replayed, as a plan does with it: launched one by
 * one, short kernels would take as long as the calls that launch them. Not thread-safe.
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
        return once > enough ? once : median(work, repeats(once), SAMPLES);
    }

    private static int repeats(double once) {
        return (int) Math.clamp(Math.ceil(SAMPLE_US / Math.max(once, 1)), 1, MOST_REPEATS);
    }

    private double median(CudaLaunch work, int repeats, int samples) {
        try (Replay replay = new Replay(work, repeats)) {
            double[] us = new double[samples];
            for (int i = 0; i < samples; i++) {
                us[i] = replay.us();
            }
            return median(us);
        }
    }

    /** The middle one; of an even number the upper of two. */
    static double median(double[] us) {
        double[] sorted = us.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    /** Records work that has run before, to be timed in turns with other work. @param once microseconds that it takes, roughly */
    Replay replay(CudaLaunch work, double once) {
        return new Replay(work, repeats(once));
    }

    /** Microseconds of a copy on the device, as a median. */
    double copy(long to, long from, long bytes) {
        double[] us = new double[SAMPLES];
        for (int i = -1; i < SAMPLES; i++) { // the first one warms up
            int sample = Math.max(i, 0);
            us[sample] = timed(() -> driver.copy(to, from, bytes, device.stream()));
        }
        return median(us);
    }

    private double timed(Runnable work) {
        driver.record(begin, device.stream());
        work.run();
        driver.record(end, device.stream());
        driver.synchronizeEvent(end);
        return 1000.0 * driver.milliseconds(begin, end);
    }

    /** Recorded work. */
    final class Replay implements AutoCloseable {
        private final long graph;
        private final int repeats;

        private Replay(CudaLaunch work, int repeats) {
            this.graph = recorded(work, repeats);
            this.repeats = repeats;
            driver.launchGraph(graph, device.stream()); // its first launch uploads it
        }

        /** Microseconds of the work, this time. */
        double us() {
            return timed(() -> driver.launchGraph(graph, device.stream())) / repeats;
        }

        @Override
        public void close() {
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

package dev.jacquard.data;

import dev.jacquard.data.StageTimes.Stage;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.LongSupplier;

/**
 * Where the time of one thread of the pipeline goes. The thread says when a stage ends ({@link #lap}); any thread may look ({@link #times}). A lap costs a reading of the
 * clock, some 25 ns.
 */
final class StageClock {
    private static final int STAGES = Stage.values().length;
    private static final int CPU = STAGES;
    private static final int IMAGES = STAGES + 1;

    private final LongSupplier wall;
    private final LongSupplier cpu;
    private final AtomicLongArray counts = new AtomicLongArray(STAGES + 2); // one thread writes
    private long at;
    private long cpuAt;

    /** A clock of real time, and of the processor time of the thread that asks. */
    StageClock() {
        this(System::nanoTime, cpuTime());
    }

    /** A clock that is told the time. @param wall nanoseconds @param cpu nanoseconds that the asking thread has had a processor for */
    StageClock(LongSupplier wall, LongSupplier cpu) {
        this.wall = wall;
        this.cpu = cpu;
    }

    private static LongSupplier cpuTime() {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        return threads.isCurrentThreadCpuTimeSupported() ? threads::getCurrentThreadCpuTime : System::nanoTime;
    }

    /** Begins to count: time until now belongs to no stage. Called by the thread itself. */
    void start() {
        at = wall.getAsLong();
        cpuAt = cpu.getAsLong();
    }

    /** A stage ends here; it began where the last one ended. Called by the thread itself. */
    void lap(Stage stage) {
        long now = wall.getAsLong();
        add(stage.ordinal(), now - at);
        at = now;
    }

    /** So many images are done; also a good time to look at the processor time, which costs more than a lap. Called by the thread itself. */
    void images(int n) {
        long now = cpu.getAsLong();
        add(CPU, now - cpuAt);
        cpuAt = now;
        add(IMAGES, n);
    }

    private void add(int what, long amount) {
        counts.setRelease(what, counts.getPlain(what) + amount);
    }

    /** What was counted so far. Any thread may ask. */
    StageTimes times() {
        long[] nanos = new long[STAGES];
        Arrays.setAll(nanos, counts::getAcquire);
        return new StageTimes(counts.getAcquire(IMAGES), counts.getAcquire(CPU), nanos);
    }
}

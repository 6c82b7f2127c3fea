package dev.jacquard.cpu;

import dev.jacquard.tensor.DeviceException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A fixed team of threads that takes the chunks of one region after another. The caller of {@link #run} is one of the team.
 *
 * <p>Chunks are taken one by one from a shared counter, so that a thread that loses its core delays only its own chunk;
 * idle threads spin a little, then park. Regions of different callers follow one another; a region started inside a chunk
 * runs on the thread that started it. A region allocates nothing.
 */
public final class Workers implements AutoCloseable {
    /** The work of a region, called once per chunk. What it computes must not depend on the worker that runs it. */
    @FunctionalInterface
    public interface Task {
        /** Does chunk {@code chunk}; {@code worker} (0 up to the team's size) is this thread's own for the region's duration, for scratch. */
        void run(int chunk, int worker);
    }

    private static final int SPINS = 4_000;

    private final Thread[] threads;
    private final int size;
    private final ReentrantLock region = new ReentrantLock();
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger busy = new AtomicInteger();
    private final ThreadLocal<int[]> self = new ThreadLocal<>();

    private Task task;
    private int chunks;
    private volatile int epoch;
    private volatile boolean closed;
    private volatile boolean waiting;
    private volatile Thread caller;
    private volatile Throwable failure;

    /**
     * Starts the team.
     *
     * @param size threads including the caller of {@link #run}, at least 1
     */
    public Workers(int size) {
        if (size < 1) {
            throw new DeviceException("cpu workers", "team size out of range", String.valueOf(size), "at least 1", "pass a positive thread count");
        }
        this.size = size;
        threads = new Thread[size - 1];
        for (int i = 0; i < threads.length; i++) {
            int worker = i + 1;
            threads[i] = new Thread(() -> serve(worker), "jacquard-cpu-" + worker);
            threads[i].setDaemon(true);
            threads[i].start();
        }
    }

    /** Threads of the team, the caller included. */
    public int size() {
        return size;
    }

    /** Runs chunks 0 to {@code chunks - 1} of a task and returns when all are done. The first exception of a chunk is thrown here; the chunks not yet taken are then dropped. */
    public void run(Task work, int count) {
        int[] mine = self.get();
        if (mine != null) {
            for (int i = 0; i < count; i++) {
                work.run(i, mine[0]);
            }
            return;
        }
        region.lock();
        try {
            if (size == 1 || count <= 1 || closed) {
                alone(work, count);
            } else {
                together(work, count);
            }
        } finally {
            region.unlock();
        }
    }

    /** A thread that waits for the region or runs in it knows itself by this; the array is made once per thread. */
    private static final ThreadLocal<int[]> ZERO = ThreadLocal.withInitial(() -> new int[1]);

    private void alone(Task work, int count) {
        self.set(ZERO.get());
        try {
            for (int i = 0; i < count; i++) {
                work.run(i, 0);
            }
        } finally {
            self.set(null);
        }
    }

    private void together(Task work, int count) {
        task = work;
        chunks = count;
        failure = null;
        caller = Thread.currentThread();
        waiting = false;
        busy.set(threads.length);
        next.set(0);
        epoch++;
        for (Thread t : threads) {
            LockSupport.unpark(t);
        }
        self.set(ZERO.get());
        try {
            take(0);
            awaitTeam();
        } finally {
            self.set(null);
            task = null;
            caller = null;
        }
        Throwable f = failure;
        if (f != null) {
            failure = null;
            rethrow(f);
        }
    }

    private static void rethrow(Throwable f) {
        if (f instanceof RuntimeException e) {
            throw e;
        }
        if (f instanceof Error e) {
            throw e;
        }
        throw new IllegalStateException(f);
    }

    private void awaitTeam() {
        for (int i = 0; i < SPINS && busy.get() > 0; i++) {
            Thread.onSpinWait();
        }
        if (busy.get() > 0) {
            waiting = true;
            while (busy.get() > 0) {
                LockSupport.park(this);
            }
            waiting = false;
        }
    }

    private void take(int worker) {
        Task work = task;
        int count = chunks;
        for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
            try {
                work.run(i, worker);
            } catch (Throwable t) {
                if (failure == null) {
                    failure = t;
                }
                next.set(count);
            }
        }
    }

    private void serve(int worker) {
        self.set(new int[] {worker});
        int seen = 0;
        while (true) {
            for (int i = 0; i < SPINS && epoch == seen && !closed; i++) {
                Thread.onSpinWait();
            }
            while (epoch == seen && !closed) {
                LockSupport.park(this);
            }
            if (epoch == seen) {
                return;
            }
            seen = epoch;
            take(worker);
            Thread waiter = caller;
            if (busy.decrementAndGet() == 0 && waiting) {
                LockSupport.unpark(waiter);
            }
        }
    }

    /** Ends the threads of the team; regions started later run on their caller alone. Waits for a region under way. */
    @Override
    public void close() {
        region.lock();
        try {
            closed = true;
            for (Thread t : threads) {
                LockSupport.unpark(t);
            }
        } finally {
            region.unlock();
        }
    }
}

package dev.jacquard.cpu;

import dev.jacquard.tensor.DeviceException;
import java.lang.ref.Reference;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A fixed team of threads that takes the chunks of one region after another. The caller of {@link #run} is one of the team.
 *
 * <p>Each worker has a part of the chunks, the same one for equal counts, and takes them one by one; then it helps the next with his. A plan's regions mostly go through images
 * from the first row to the last, so that a worker finds in its own cache what it wrote in the region before: without that, half of what small images are comes out of the other
 * core's. A thread that loses its core delays only its own chunk, and a region waits only for those who came: a thread that another process keeps from its core is not missed. Idle
 * threads spin a little, then park; while somebody {@linkplain #hold holds} the team, between whose regions there are microseconds, they spin longer. Regions of different callers
 * follow one another; a region started inside a chunk runs on the thread that started it. A region allocates nothing.
 */
public final class Workers implements AutoCloseable {
    /** The work of a region, called once per chunk. What it computes must not depend on the worker that runs it. */
    @FunctionalInterface
    public interface Task {
        /** Does chunk {@code chunk}; {@code worker} (0 up to the team's size) is this thread's own for the region's duration, for scratch. */
        void run(int chunk, int worker);
    }

    /** How often to look for work before parking, at some 15 to 40 ns each: when nobody holds the team, and when somebody does. */
    private static final int SPINS = 4_000;
    private static final int HELD_SPINS = 100_000;

    /** Places in {@link #shared}, two cache lines apart: the number of the region, who is in it, and of each worker's part the next chunk. */
    private static final int LINES = 32;
    private static final int EPOCH = LINES;
    private static final int MEMBERS = 2 * LINES;
    private static final int NEXT = 3 * LINES;

    /** Added to the number of members when nobody may enter any more. */
    private static final int CLOSED = 1 << 30;

    private final Member[] threads;
    private final int size;
    private final ReentrantLock region = new ReentrantLock();
    private final AtomicIntegerArray shared;

    private Task task;
    private int chunks;
    /** Whether the region's holder is in a chunk; its own to read. */
    private boolean inside;
    private volatile boolean held;
    private volatile boolean closed;
    private volatile Thread waiter;
    private Throwable failure;

    /** A thread of the team. */
    private static final class Member extends Thread {
        private final Workers team;
        private final int worker;
        private volatile boolean parked;

        private Member(Workers team, int worker) {
            super("jacquard-cpu-" + worker);
            this.team = team;
            this.worker = worker;
            setDaemon(true);
        }

        @Override
        public void run() {
            team.serve(this);
        }

        private void wake() {
            if (parked) {
                LockSupport.unpark(this);
            }
        }
    }

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
        shared = new AtomicIntegerArray(NEXT + LINES * size);
        shared.set(MEMBERS, CLOSED);
        threads = new Member[size - 1];
        for (int i = 0; i < threads.length; i++) {
            threads[i] = new Member(this, i + 1);
        }
        for (Member m : threads) {
            m.start();
        }
    }

    /** Threads of the team, the caller included. */
    public int size() {
        return size;
    }

    /**
     * Keeps the team for this thread until {@link #release}: regions of other callers wait, and idle threads are slow to park, since the next region is near. For the launches of a
     * step; calls nest.
     */
    public void hold() {
        region.lock();
        held = true;
    }

    /** Ends what {@link #hold} began. */
    public void release() {
        if (region.getHoldCount() == 1) {
            held = false;
        }
        region.unlock();
    }

    /** Runs chunks 0 to {@code chunks - 1} of a task and returns when all are done. The first exception of a chunk is thrown here; the chunks not yet taken are then dropped. */
    public void run(Task work, int count) {
        if (Thread.currentThread() instanceof Member m && m.team == this) {
            inline(work, count, m.worker);
            Reference.reachabilityFence(work);
            return;
        }
        region.lock();
        try {
            if (inside) {
                inline(work, count, 0);
                return;
            }
            inside = true;
            try {
                if (size == 1 || count <= 1 || closed) {
                    inline(work, count, 0);
                } else {
                    together(work, count);
                }
            } finally {
                inside = false;
            }
        } finally {
            region.unlock();
            // Emitted code knows tables of the task's owner by their addresses alone: nothing else may keep them from being freed.
            Reference.reachabilityFence(work);
        }
    }

    private static void inline(Task work, int count, int worker) {
        for (int i = 0; i < count; i++) {
            work.run(i, worker);
        }
    }

    private void together(Task work, int count) {
        task = work;
        chunks = count;
        for (int w = 0; w < size; w++) {
            shared.setPlain(NEXT + LINES * w, first(w));
        }
        shared.setRelease(MEMBERS, 1);
        shared.getAndIncrement(EPOCH);
        // After the epoch: a thread says that it parks before it looks at the epoch for the last time.
        for (int i = 0; i < Math.min(threads.length, count - 1); i++) {
            threads[i].wake();
        }
        take(0);
        if (shared.addAndGet(MEMBERS, CLOSED - 1) != CLOSED) {
            awaitMembers();
        }
        task = null;
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

    private void awaitMembers() {
        for (int i = 0; i < SPINS; i++) {
            if (shared.get(MEMBERS) == CLOSED) {
                return;
            }
            Thread.onSpinWait();
        }
        waiter = Thread.currentThread();
        while (shared.get(MEMBERS) != CLOSED) {
            LockSupport.park(this);
        }
        waiter = null;
    }

    /** The first chunk of a worker's part; that of the last and one is the number of chunks. */
    private int first(int worker) {
        return (int) ((long) chunks * worker / size);
    }

    /** Its own part, then the others'. */
    private void take(int worker) {
        for (int i = 0; i < size; i++) {
            takeOf((worker + i) % size, worker);
        }
    }

    private void takeOf(int owner, int worker) {
        Task work = task;
        int next = NEXT + LINES * owner;
        int end = first(owner + 1);
        for (int i = shared.getAndIncrement(next); i < end; i = shared.getAndIncrement(next)) {
            try {
                work.run(i, worker);
            } catch (Throwable t) {
                if (failure == null) {
                    failure = t;
                }
                for (int w = 0; w < size; w++) {
                    shared.set(NEXT + LINES * w, chunks);
                }
            }
        }
    }

    private void serve(Member self) {
        int seen = 0;
        while (awaitRegion(self, seen)) {
            seen = shared.get(EPOCH);
            if (enter()) {
                take(self.worker);
                if (shared.decrementAndGet(MEMBERS) == CLOSED) {
                    LockSupport.unpark(waiter);
                }
            }
        }
    }

    /** Whether this thread is now one of the region's members; if not, the region ended before it came. */
    private boolean enter() {
        while (true) {
            int members = shared.get(MEMBERS);
            if (members >= CLOSED) {
                return false;
            }
            if (shared.compareAndSet(MEMBERS, members, members + 1)) {
                return true;
            }
        }
    }

    /** Returns true when there is a region after the one seen last, false when the team has ended. */
    private boolean awaitRegion(Member self, int seen) {
        for (int i = 0; i < SPINS || held && i < HELD_SPINS; i++) {
            if (shared.get(EPOCH) != seen) {
                return true;
            }
            if (closed) {
                return false;
            }
            Thread.onSpinWait();
        }
        self.parked = true;
        while (shared.get(EPOCH) == seen && !closed) {
            LockSupport.park(this);
        }
        self.parked = false;
        return shared.get(EPOCH) != seen;
    }

    /** Ends the threads of the team; regions started later run on their caller alone. Waits for a region under way. */
    @Override
    public void close() {
        region.lock();
        try {
            closed = true;
            for (Member m : threads) {
                LockSupport.unpark(m);
            }
        } finally {
            region.unlock();
        }
    }
}

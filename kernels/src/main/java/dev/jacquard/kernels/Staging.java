package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.Driver;
import java.lang.foreign.MemorySegment;

/**
 * Transfers between ordinary host memory and the device through a ring of pinned buffers. An upload returns as soon as the source has been copied into a slot. A large one then
 * crosses the bus in a stream of its own, into the slot's device memory, while the device computes; only the copy from there to its place waits its turn.
 */
final class Staging implements AutoCloseable {
    private static final int SLOTS = 4;
    /** From here on the second copy costs less than waiting for the bus. */
    private static final long LARGE = 256 << 10;

    private final Driver driver;
    private final long computing;
    private final long copying;
    private final Slot[] slots = new Slot[SLOTS];
    private int next;

    Staging(Driver driver, long computing) {
        this.driver = driver;
        this.computing = computing;
        this.copying = driver.createStream();
        for (int i = 0; i < SLOTS; i++) {
            slots[i] = new Slot();
        }
    }

    private final class Slot {
        private MemorySegment pinned = MemorySegment.NULL;
        private long mirror;
        private long mirrorBytes;
        /** Passed when the slot's last transfer is done. */
        private final long done = driver.createEvent(false);
        private final long arrived = driver.createEvent(false);
        private boolean busy;

        MemorySegment room(long bytes) {
            if (busy) {
                driver.synchronizeEvent(done);
                busy = false;
            }
            if (pinned.byteSize() < bytes) {
                release(pinned);
                pinned = driver.allocatePinned(MemoryPool.rounded(bytes));
            }
            return pinned.asSlice(0, bytes);
        }

        long mirror(long bytes) {
            if (mirrorBytes < bytes) {
                if (mirror != 0) {
                    driver.free(mirror);
                }
                mirrorBytes = MemoryPool.rounded(bytes);
                mirror = driver.allocate(mirrorBytes);
            }
            return mirror;
        }

        private void release(MemorySegment old) {
            if (old.byteSize() > 0) {
                driver.freePinned(old);
            }
        }

        void close() {
            release(pinned);
            if (mirror != 0) {
                driver.free(mirror);
            }
            driver.destroyEvent(done);
            driver.destroyEvent(arrived);
        }
    }

    private Slot take() {
        next = (next + 1) % SLOTS;
        return slots[next];
    }

    synchronized void upload(long to, MemorySegment host) {
        long bytes = host.byteSize();
        if (bytes == 0) {
            return;
        }
        Slot slot = take();
        MemorySegment pinned = slot.room(bytes).copyFrom(host);
        if (bytes < LARGE) {
            driver.copyToDevice(to, pinned, computing);
        } else {
            long mirror = slot.mirror(bytes);
            driver.copyToDevice(mirror, pinned, copying);
            driver.record(slot.arrived, copying);
            driver.await(computing, slot.arrived);
            driver.copy(to, mirror, bytes, computing);
        }
        driver.record(slot.done, computing);
        slot.busy = true;
    }

    synchronized void download(MemorySegment host, long from) {
        long bytes = host.byteSize();
        if (bytes == 0) {
            return;
        }
        if (bytes < LARGE) {
            MemorySegment pinned = take().room(bytes);
            driver.copyToHost(pinned, from, computing);
            driver.synchronize(computing);
            host.copyFrom(pinned);
        } else {
            driver.copyToHost(host, from, computing);
            driver.synchronize(computing);
        }
    }

    @Override
    public synchronized void close() {
        driver.synchronize(computing);
        driver.synchronize(copying);
        for (Slot s : slots) {
            s.close();
        }
        driver.destroyStream(copying);
    }
}

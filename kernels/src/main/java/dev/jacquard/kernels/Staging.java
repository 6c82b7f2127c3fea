package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.tensor.EngineBugException;
import dev.jacquard.tensor.backend.Buffer;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Transfers between ordinary host memory and the device through rings of pinned buffers, one for large transfers and one for small ones, so that not every buffer becomes as large
 * as a batch. An upload returns as soon as the source has been copied into a slot. A large one then crosses the bus in a stream of its own, into the slot's device memory, while
 * the device computes; only the copy from there to its place waits its turn.
 */
final class Staging implements AutoCloseable {
    /** Far more than the inputs of any step. */
    private static final int MOST_SLOTS = 64;
    /** From here on the second copy costs less than waiting for the bus. */
    private static final long LARGE = 256 << 10;
    private static final long DOWNLOAD_CHUNK = 4 << 20;

    private final Driver driver;
    private final long computing;
    private final long copying;
    private final Ring large = new Ring(2);
    private final Ring small = new Ring(6);

    Staging(Driver driver, long computing) {
        this.driver = driver;
        this.computing = computing;
        this.copying = driver.createStream();
    }

    /** Pinned memory, device memory of the same size if it was ever needed, and what they were last used for. */
    private final class Slot {
        private MemorySegment pinned = MemorySegment.NULL;
        private long mirror;
        private long mirrorBytes;
        /** Passed when the slot's last transfer is done. */
        private final long done = driver.createEvent(false);
        private final long arrived = driver.createEvent(false);
        private boolean busy;
        /** Staged, and not placed yet. */
        private boolean reserved;

        MemorySegment room(long bytes) {
            if (busy) {
                driver.synchronizeEvent(done);
                busy = false;
            }
            if (pinned.byteSize() < bytes) {
                releasePinned();
                pinned = driver.allocatePinned(MemoryPool.rounded(bytes));
            }
            return pinned.asSlice(0, bytes);
        }

        long mirror(long bytes) {
            if (mirrorBytes < bytes) {
                releaseMirror();
                mirror = driver.allocate(MemoryPool.rounded(bytes));
                mirrorBytes = MemoryPool.rounded(bytes);
            }
            return mirror;
        }

        void busyUntilHere(long stream) {
            driver.record(done, stream);
            busy = true;
        }

        private void releasePinned() {
            if (pinned.byteSize() > 0) {
                driver.freePinned(pinned);
                pinned = MemorySegment.NULL;
            }
        }

        private void releaseMirror() {
            if (mirror != 0) {
                driver.free(mirror);
                mirror = 0;
                mirrorBytes = 0;
            }
        }

        void close() {
            releasePinned();
            releaseMirror();
            driver.destroyEvent(done);
            driver.destroyEvent(arrived);
        }
    }

    /** Slots that are used one after the other; more than it begins with where so many transfers are staged at a time. */
    private final class Ring {
        private final int first;
        private final List<Slot> slots = new ArrayList<>();
        private int next;

        Ring(int first) {
            this.first = first;
        }

        Slot take() {
            for (int i = 0; i < slots.size() && slots.size() >= first; i++) {
                next = (next + 1) % slots.size();
                if (!slots.get(next).reserved) {
                    return slots.get(next);
                }
            }
            if (slots.size() == MOST_SLOTS) {
                throw new EngineBugException("staging", "too many transfers are staged", MOST_SLOTS + " that were not placed", "at most a batch's",
                        "place a transfer before staging the next ones");
            }
            slots.add(new Slot());
            next = slots.size() - 1;
            return slots.getLast();
        }
    }

    private Slot take(long bytes) {
        return (bytes >= LARGE ? large : small).take();
    }

    /** Copies to the device, in the order of launches; returns when the source may be reused. Also where the device has no memory left for a slot's side of it. */
    synchronized void upload(long to, MemorySegment host) {
        if (host.byteSize() >= LARGE) {
            try {
                stage(to, host).place();
                return;
            } catch (DriverException e) {
                if (e.kind() != DriverException.Kind.OUT_OF_MEMORY) {
                    throw e;
                }
            }
        }
        for (long at = 0; at < host.byteSize(); at += LARGE) {
            MemorySegment part = host.asSlice(at, Math.min(LARGE, host.byteSize() - at));
            Slot slot = small.take();
            driver.copyToDevice(to + at, slot.room(part.byteSize()).copyFrom(part), computing);
            slot.busyUntilHere(computing);
        }
    }

    /** Copies to the device's side of a slot, beside whatever is being computed. The source may be reused at return. */
    synchronized Buffer.Transfer stage(long to, MemorySegment host) {
        long bytes = host.byteSize();
        Slot slot = take(bytes);
        MemorySegment pinned = slot.room(Math.max(bytes, 1)).asSlice(0, bytes).copyFrom(host);
        long mirror = slot.mirror(Math.max(bytes, 1));
        driver.copyToDevice(mirror, pinned, copying);
        driver.record(slot.arrived, copying);
        slot.busyUntilHere(copying);
        slot.reserved = true;
        return () -> place(slot, to, bytes);
    }

    private synchronized void place(Slot slot, long to, long bytes) {
        driver.await(computing, slot.arrived);
        driver.copy(to, slot.mirror, bytes, computing);
        slot.busyUntilHere(computing);
        slot.reserved = false;
    }

    /** Copies from the device what everything launched so far has left there. */
    synchronized void download(MemorySegment host, long from) {
        for (long at = 0; at < host.byteSize(); at += DOWNLOAD_CHUNK) {
            MemorySegment part = host.asSlice(at, Math.min(DOWNLOAD_CHUNK, host.byteSize() - at));
            MemorySegment pinned = take(part.byteSize()).room(part.byteSize());
            driver.copyToHost(pinned, from + at, computing);
            driver.synchronize(computing);
            part.copyFrom(pinned);
        }
    }

    @Override
    public synchronized void close() {
        driver.synchronize(computing);
        driver.synchronize(copying);
        large.slots.forEach(Slot::close);
        small.slots.forEach(Slot::close);
        driver.destroyStream(copying);
    }
}

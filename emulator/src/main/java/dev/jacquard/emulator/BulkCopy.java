package dev.jacquard.emulator;

import dev.jacquard.kernels.driver.TensorMap;

/**
 * {@code cp.async.bulk}: a thread copies many bytes, in a row or as a box of a tensor, between global and shared memory, through the asynchronous proxy.
 *
 * <p>A copy to shared memory reads its source when it is issued, and lands as late as can be: when a thread waits for the {@link Mbarrier} that counts its bytes. A copy from
 * shared memory is done when it is issued, but its source may not change before the thread has waited for the copy's group.
 */
final class BulkCopy {
    private static final int CHUNK = 16;

    private BulkCopy() {}

    /** A copy to shared memory that has been issued. */
    static final class Flight {
        private final Warp warp;
        private final int lane;
        private final Insn by;
        private final Mbarrier barrier;
        private final int to;
        private final int bytes;
        private byte[] data;
        private int phase = -1;

        Flight(Warp warp, int lane, Insn by, Mbarrier barrier, int to, byte[] data) {
            this.warp = warp;
            this.lane = lane;
            this.by = by;
            this.barrier = barrier;
            this.to = to;
            this.data = data;
            bytes = data.length;
        }

        Warp warp() {
            return warp;
        }

        int lane() {
            return lane;
        }

        Insn by() {
            return by;
        }

        Mbarrier barrier() {
            return barrier;
        }

        int to() {
            return to;
        }

        int bytes() {
            return bytes;
        }

        /** The barrier's phase in which it has landed, or -1. */
        int phase() {
            return phase;
        }

        void land(int inPhase) {
            phase = inPhase;
            SharedMemory shared = warp.machine.shared();
            shared.fill(to, data);
            data = null;
            shared.watches().lands(this);
        }
    }

    private abstract static class Lanes extends Insn {
        abstract void lane(Warp w, int lane);

        @Override
        final void run(Warp w, int mask) {
            for (int m = mask; m != 0; m &= m - 1) {
                lane(w, Integer.numberOfTrailingZeros(m));
            }
        }
    }

    private static void issue(Warp w, int lane, Insn by, Place barrier, int to, byte[] data) {
        Mbarrier b = w.machine.mbarriers().find(w, lane, barrier.shared(w, lane, Mbarriers.BYTES, Mbarriers.BYTES, "mbarrier"), "cp.async.bulk");
        if (!b.visible(w)) {
            throw new Fault(lane, "missing fence.mbarrier_init or fence.proxy.async between mbarrier.init and a copy that completes on the barrier");
        }
        SharedMemory shared = w.machine.shared();
        shared.refill(w, lane, to, data.length, "cp.async.bulk");
        Flight f = new Flight(w, lane, by, b, to, data);
        shared.watches().flies(f);
        b.flies(f);
    }

    private static void read(Warp w, int lane, Insn by, int from, int bytes) {
        SharedMemory shared = w.machine.shared();
        shared.asyncRead(w, lane, from, bytes, "read by cp.async.bulk");
        shared.watches().reads(from, bytes, by);
        w.bulks().issue(new BulkGroups.Out(by, lane, from, bytes));
    }

    private static int size(Warp w, int lane, int register) {
        int n = w.r[register][lane];
        if (n < 0 || n > Mbarrier.MOST || n % CHUNK != 0) {
            throw new Fault(lane, "cp.async.bulk of " + Integer.toUnsignedString(n) + " bytes, must be a multiple of 16");
        }
        return n;
    }

    private static long global(Warp w, int lane, Place at) {
        long a = at.address(w, lane);
        if (a % CHUNK != 0) {
            throw new Fault(lane, "misaligned cp.async.bulk: global memory at " + w.machine.memory().describe(a) + ", must be aligned to 16 bytes");
        }
        return a;
    }

    /** {@code cp.async.bulk} to shared memory. */
    static final class In extends Lanes {
        private final Place to;
        private final Place from;
        private final int size;
        private final Place barrier;

        In(Place to, Place from, int size, Place barrier) {
            this.to = to;
            this.from = from;
            this.size = size;
            this.barrier = barrier;
        }

        @Override
        void lane(Warp w, int lane) {
            int n = size(w, lane, size);
            int at = to.shared(w, lane, n, CHUNK, "write by cp.async.bulk");
            byte[] data = new byte[n];
            if (n > 0) {
                GlobalBytes.read(w, lane, global(w, lane, from), n, data, 0, "read by cp.async.bulk");
            }
            issue(w, lane, this, barrier, at, data);
        }
    }

    /** {@code cp.async.bulk} from shared memory. */
    static final class Out extends Lanes {
        private final Place to;
        private final Place from;
        private final int size;

        Out(Place to, Place from, int size) {
            this.to = to;
            this.from = from;
            this.size = size;
        }

        @Override
        void lane(Warp w, int lane) {
            int n = size(w, lane, size);
            int at = from.shared(w, lane, n, CHUNK, "read by cp.async.bulk");
            if (n > 0) {
                read(w, lane, this, at, n);
                GlobalBytes.write(w, lane, global(w, lane, to), n, w.machine.shared().data(), at, "write by cp.async.bulk");
            }
        }
    }

    /** {@code cp.async.bulk.tensor}, of tiles. */
    static final class Tile extends Lanes {
        private static final int ALIGNMENT = 128;
        private final boolean in;
        private final Place shared;
        private final Place map;
        private final int[] coordinates;
        private final Place barrier;

        /** @param barrier of a copy to shared memory, else null */
        Tile(boolean in, Place shared, Place map, int[] coordinates, Place barrier) {
            this.in = in;
            this.shared = shared;
            this.map = map;
            this.coordinates = coordinates;
            this.barrier = barrier;
        }

        @Override
        void lane(Warp w, int lane) {
            TensorMap m = map(w, lane);
            int n = m.boxBytes();
            int at = shared.shared(w, lane, n, ALIGNMENT, "copy of a tensor's box");
            int[] corner = new int[coordinates.length];
            for (int i = 0; i < corner.length; i++) {
                corner[i] = w.r[coordinates[i]][lane];
            }
            byte[] image = new byte[n];
            if (in) {
                byte[] rows = new byte[n];
                EncodedMap.rows(m, corner, (address, to, bytes) -> GlobalBytes.read(w, lane, address, bytes, rows, to, "read by cp.async.bulk.tensor"));
                for (int c = 0; c < n; c += CHUNK) {
                    System.arraycopy(rows, c, image, chunk(m, at, c, n, lane), CHUNK);
                }
                issue(w, lane, this, barrier, at, image);
                return;
            }
            read(w, lane, this, at, n);
            for (int c = 0; c < n; c += CHUNK) {
                System.arraycopy(w.machine.shared().data(), at + chunk(m, at, c, n, lane), image, c, CHUNK);
            }
            EncodedMap.rows(m, corner, (address, from, bytes) -> GlobalBytes.write(w, lane, address, bytes, image, from, "write by cp.async.bulk.tensor"));
        }

        /** Where a chunk of the box goes. */
        private static int chunk(TensorMap m, int at, int c, int n, int lane) {
            int to = m.swizzle().apply(at + c) - at;
            if (to < 0 || to >= n) {
                throw new Fault(lane, "a swizzled box of " + n + " bytes that is no multiple of the swizzle's span: its chunks would leave it");
            }
            return to;
        }

        private TensorMap map(Warp w, int lane) {
            long a = map.address(w, lane);
            byte[] bytes = new byte[TensorMap.BYTES];
            if ((a & 63) != 0) {
                throw new Fault(lane, "misaligned tensor map, must be aligned to 64 bytes");
            }
            if (Windows.in(Windows.PARAM, a)) {
                byte[] parameters = w.machine.parameters();
                long o = a - Windows.PARAM;
                if (o > parameters.length - bytes.length) {
                    throw new Fault(lane, "a tensor map at parameter address " + o + ", of " + parameters.length + " bytes of parameters");
                }
                System.arraycopy(parameters, (int) o, bytes, 0, bytes.length);
            } else {
                GlobalBytes.read(w, lane, a, bytes.length, bytes, 0, "read of a tensor map");
            }
            TensorMap m = EncodedMap.decode(bytes);
            if (m == null) {
                throw new Fault(lane, "not a tensor map: Driver.encode makes them");
            }
            if (m.sizes().size() != coordinates.length) {
                throw new Fault(lane, coordinates.length + " coordinates of a tensor of " + m.sizes().size() + " dimensions");
            }
            return m;
        }
    }

    /** {@code cp.async.bulk.commit_group}. */
    static final class Commit extends Lanes {
        @Override
        void lane(Warp w, int lane) {
            w.bulks().commit(lane);
        }
    }

    /** {@code cp.async.bulk.wait_group}, with {@code read} or without: here a copy has written when it has read. */
    static final class Wait extends Lanes {
        private final int pending;

        Wait(int pending) {
            this.pending = pending;
        }

        @Override
        void lane(Warp w, int lane) {
            w.bulks().complete(w, lane, pending);
        }
    }

    /** {@code fence.proxy.async} and {@code fence.mbarrier_init}: shows what the warp has done to the asynchronous proxy. */
    static final class Fence extends Insn {
        @Override
        void run(Warp w, int mask) {
            w.asyncFence = ++w.round;
            w.fenceEpoch = w.machine.shared().epoch();
        }
    }
}

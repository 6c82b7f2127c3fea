package dev.jacquard.emulator;

import dev.jacquard.emulator.ptx.Space;

/**
 * {@code cp.async}: copies 4, 8 or 16 bytes from global to shared memory while the thread goes on.
 *
 * <p>The global bytes are read, and checked, when the copy is issued; those in shared memory change when the thread waits for the copy and not before, and until then an access to
 * them by any thread is a fault (see {@link SharedMemory}). From the wait on, they are a write of the thread that waited: others need a barrier after it.
 */
final class AsyncCopy extends Access {
    private final Source from;

    /** @param base register of the shared address, or -1 @param from where the bytes come from */
    AsyncCopy(Space space, int base, boolean wideBase, long offset, int bytes, Source from) {
        super(Kind.WRITE, space, base, wideBase, offset, bytes);
        this.from = from;
    }

    @Override
    Access[] accesses() {
        return new Access[] {from, this};
    }

    @Override
    void run(Warp w, int mask) {
        SharedMemory shared = w.machine.shared();
        for (int m = mask; m != 0; m &= m - 1) {
            int i = Integer.numberOfTrailingZeros(m);
            int to = locate(w, i);
            if (race != null) {
                throw race;
            }
            if (data != shared.data()) {
                throw new Fault(i, "cp.async to an address that is not in shared memory");
            }
            int n = from.length(w, i);
            if (n < 0 || n > bytes) {
                throw new Fault(i, "cp.async of " + bytes + " bytes with a source size of " + Integer.toUnsignedString(n));
            }
            long low = 0;
            long high = 0;
            if (n > 0) {
                int at = from.locate(w, i, n);
                low = head(from.data, at, Math.min(n, 8));
                high = n > 8 ? head(from.data, at + 8, n - 8) : 0;
            }
            shared.watches().copying(w, i, to, this);
            w.copies().issue(i, new PendingCopies.Copy(this, to, low, high));
        }
    }

    /** The first bytes of eight, the others zero. */
    private static long head(byte[] data, int at, int n) {
        if (n == 8) {
            return (long) LONGS.get(data, at);
        }
        long v = 0;
        for (int k = 0; k < n; k++) {
            v |= (data[at + k] & 0xffL) << 8 * k;
        }
        return v;
    }

    /** What a copy reads: an access that {@link AsyncCopy} makes, never an instruction by itself. */
    static final class Source extends Access {
        private final int size;
        private final int ignore;
        private final boolean not;

        /**
         * @param size register of the number of bytes to read, the others being filled with zeros, or -1 for all
         * @param ignore predicate of lanes that read nothing and fill with zeros, or -1
         * @param not whether it is negated
         */
        Source(Space space, int base, boolean wideBase, long offset, int bytes, int size, int ignore, boolean not) {
            super(Kind.READ, space, base, wideBase, offset, bytes);
            this.size = size;
            this.ignore = ignore;
            this.not = not;
        }

        @Override
        int length(Warp w, int lane) {
            if (ignore >= 0) {
                return (w.p[ignore] >>> lane & 1) != 0 == not ? bytes : 0;
            }
            return size < 0 ? bytes : w.r[size][lane];
        }

        @Override
        void run(Warp w, int mask) {
            throw new UnsupportedOperationException("a part of cp.async");
        }
    }

    /** {@code cp.async.commit_group}: what each lane has issued since its last one is a group. */
    static final class Commit extends Insn {
        @Override
        void run(Warp w, int mask) {
            for (int m = mask; m != 0; m &= m - 1) {
                w.copies().commit(Integer.numberOfTrailingZeros(m));
            }
        }
    }

    /** {@code cp.async.wait_group} and {@code cp.async.wait_all}. */
    static final class Wait extends Insn {
        private final int pending;
        private final boolean commits;

        /** @param pending how many of the youngest groups need not be complete @param commits whether copies that are in no group yet are waited for too */
        Wait(int pending, boolean commits) {
            this.pending = pending;
            this.commits = commits;
        }

        @Override
        void run(Warp w, int mask) {
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                if (commits) {
                    w.copies().commit(i);
                }
                w.copies().complete(w, i, pending);
            }
        }
    }
}

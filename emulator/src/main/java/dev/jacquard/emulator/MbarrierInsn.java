package dev.jacquard.emulator;

/** Instructions on {@link Mbarrier}s. A state, which arrivals give and waits take, is here the number of the phase. */
final class MbarrierInsn {
    private static final int BYTES = Mbarriers.BYTES;

    private MbarrierInsn() {}

    private abstract static class Lanes extends Insn {
        final Place at;

        Lanes(Place at) {
            this.at = at;
        }

        final int offset(Warp w, int lane) {
            return at.shared(w, lane, BYTES, BYTES, "mbarrier");
        }

        final Mbarrier barrier(Warp w, int lane) {
            return w.machine.mbarriers().find(w, lane, offset(w, lane), "mbarrier." + source.modifiers().getFirst());
        }

        abstract void run(Warp w, int lane, Mbarriers all);

        @Override
        final void run(Warp w, int mask) {
            for (int m = mask; m != 0; m &= m - 1) {
                run(w, Integer.numberOfTrailingZeros(m), w.machine.mbarriers());
            }
        }
    }

    /** {@code mbarrier.init}: counts as a write of its bytes, so that other threads need a barrier of the block before they use it. */
    static final class Init extends Lanes {
        private final int count;

        Init(Place at, int count) {
            super(at);
            this.count = count;
        }

        @Override
        void run(Warp w, int lane, Mbarriers all) {
            int offset = offset(w, lane);
            all.make(w, lane, offset, w.r[count][lane]);
            w.machine.shared().claim(w, lane, offset, BYTES);
            w.machine.shared().watches().reserve(offset, BYTES, this);
        }
    }

    /** {@code mbarrier.inval}. */
    static final class Invalidate extends Lanes {
        Invalidate(Place at) {
            super(at);
        }

        @Override
        void run(Warp w, int lane, Mbarriers all) {
            int offset = offset(w, lane);
            all.remove(w, lane, offset);
            w.machine.shared().watches().reserve(offset, BYTES, null);
        }
    }

    /** {@code mbarrier.arrive}, with {@code expect_tx} or without, and {@code mbarrier.arrive_drop}. */
    static final class Arrive extends Lanes {
        private final int state;
        private final int count;
        private final int bytes;
        private final boolean drop;
        private final boolean release;

        /**
         * @param state register of the result, or -1 @param count register of the number of arrivals, or -1 for one @param bytes register of the number of bytes to expect, or -1
         */
        Arrive(Place at, int state, int count, int bytes, boolean drop, boolean release) {
            super(at);
            this.state = state;
            this.count = count;
            this.bytes = bytes;
            this.drop = drop;
            this.release = release;
        }

        @Override
        void run(Warp w, int lane, Mbarriers all) {
            Mbarrier b = barrier(w, lane);
            int phase = b.phase();
            if (bytes >= 0) {
                b.expect(w, lane, w.r[bytes][lane]);
            }
            if (drop) {
                b.drop(w, lane, release);
            } else {
                b.arrive(w, lane, count < 0 ? 1 : w.r[count][lane], release);
            }
            if (state >= 0) {
                w.q[state][lane] = phase;
            }
        }
    }

    /** {@code mbarrier.expect_tx} and {@code mbarrier.complete_tx}. */
    static final class Bytes extends Lanes {
        private final int bytes;
        private final boolean complete;

        Bytes(Place at, int bytes, boolean complete) {
            super(at);
            this.bytes = bytes;
            this.complete = complete;
        }

        @Override
        void run(Warp w, int lane, Mbarriers all) {
            Mbarrier b = barrier(w, lane);
            if (complete) {
                b.complete(w, lane, w.r[bytes][lane]);
            } else {
                b.expect(w, lane, w.r[bytes][lane]);
            }
        }
    }

    /** {@code mbarrier.test_wait} and {@code mbarrier.try_wait}: the warp's turn ends if a lane has to ask again. */
    static final class Wait extends Insn {
        private final Place at;
        private final int done;
        private final int phase;
        private final boolean parity;
        private final boolean acquire;

        /** @param done predicate of the result @param phase register of a state, or of a parity */
        Wait(Place at, int done, int phase, boolean parity, boolean acquire) {
            this.at = at;
            this.done = done;
            this.phase = phase;
            this.parity = parity;
            this.acquire = acquire;
        }

        private Mbarrier barrier(Warp w, int lane) {
            return w.machine.mbarriers().find(w, lane, at.shared(w, lane, BYTES, BYTES, "mbarrier"), "mbarrier." + source.modifiers().getFirst());
        }

        @Override
        void run(Warp w, int mask) {
            int result = 0;
            for (int m = mask; m != 0; m &= m - 1) {
                int i = Integer.numberOfTrailingZeros(m);
                Mbarrier b = barrier(w, i);
                if (b.ended(w, asked(w, i, b))) {
                    result |= 1 << i;
                    if (acquire) {
                        b.acquire(w);
                    }
                }
            }
            w.predicate(done, mask, result);
            w.polls = result == mask ? null : this;
            w.pollLane = Integer.numberOfTrailingZeros(mask & ~result);
        }

        /** The phase that a lane asks for. Of a parity: the one under way, or the one before. */
        private int asked(Warp w, int lane, Mbarrier b) {
            if (parity) {
                int bit = w.r[phase][lane];
                if (bit != 0 && bit != 1) {
                    throw new Fault(lane, "mbarrier wait for a parity of " + bit);
                }
                return (b.phase() & 1) == bit ? b.phase() : b.phase() - 1;
            }
            long asked = w.q[phase][lane];
            if (asked != b.phase() && asked != b.phase() - 1) {
                throw new Fault(lane, "mbarrier wait for the state of phase " + asked + ", which is neither phase " + b.phase() + " nor the one before");
            }
            return (int) asked;
        }

        /** Why it can wait for ever. */
        Fault deadlock(Warp w) {
            int offset = at.shared(w, w.pollLane, BYTES, BYTES, "mbarrier");
            Mbarrier b = barrier(w, w.pollLane);
            return new Fault(w.pollLane, "deadlock: waits at the mbarrier at " + w.machine.shared().describe(offset + (long) Windows.SHARED_START)
                    + ", which nobody can complete: " + b.state());
        }
    }
}

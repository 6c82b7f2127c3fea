package dev.jacquard.emulator;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/**
 * A warp's {@code wgmma} products under way: which registers they own and what shared memory they read until a wait for their group.
 *
 * <p>Products are computed when they are issued. Until the wait their accumulators may be touched by other products only, the registers of A may be read, and shared memory may not
 * change. A plain {@code mov} of an accumulator is let through, and its copy is under way too: compilers write such moves between products, and the assembler removes them.
 */
final class GroupProducts {
    private record Reading(int group, Insn by, int offset, int bytes) {}

    /** Groups are numbered from one; this one is open. */
    private int open = 1;
    private int done;
    private int clock;
    private int fenced = -1;
    /** By register: when an instruction other than a product last wrote it; the last group that writes, and that reads it. */
    private final int[] written;
    private final int[] writing;
    private final int[] reading;
    private final Deque<Reading> shared = new ArrayDeque<>();

    GroupProducts(int registers) {
        written = new int[registers];
        writing = new int[registers];
        reading = new int[registers];
    }

    /** A new block. */
    void clear() {
        open = 1;
        done = 0;
        clock = 0;
        fenced = -1;
        Arrays.fill(written, 0);
        Arrays.fill(writing, 0);
        Arrays.fill(reading, 0);
        shared.clear();
    }

    /** Another instruction is about to run. */
    void before(Insn i, int lane) {
        boolean move = i.targets.length == 1 && i.sources.length == 1 && i.source.opcode().equals("mov");
        for (int r : i.sources) {
            if (writing[r] > done && !move) {
                throw new Fault(lane, "read of an accumulator of a wgmma that has not been waited for");
            }
        }
        for (int r : i.targets) {
            if (reading[r] > done || writing[r] > done && !move) {
                throw new Fault(lane, "write to a register of a wgmma that has not been waited for");
            }
            written[r] = move ? written[i.sources[0]] : ++clock;
            writing[r] = move ? writing[i.sources[0]] : 0;
        }
    }

    /** {@code wgmma.fence}: orders what has been done to registers before the products that follow. */
    void fence() {
        fenced = clock;
    }

    /** A product takes its registers. @param a of A, or none @param d of D */
    void issue(int[] a, int[] d, int lane) {
        for (int r : a) {
            if (writing[r] > done) {
                throw new Fault(lane, "read of an accumulator of a wgmma that has not been waited for, as A");
            }
            fenced(r, lane);
            reading[r] = open;
        }
        for (int r : d) {
            fenced(r, lane);
            writing[r] = open;
        }
    }

    private void fenced(int register, int lane) {
        if (written[register] > fenced) {
            throw new Fault(lane, "missing wgmma.fence: a register of this wgmma has been written since the last one");
        }
    }

    /** A product reads shared memory. */
    void reads(Warp w, Insn by, int offset, int bytes) {
        w.machine.shared().watches().reads(offset, bytes, by);
        shared.add(new Reading(open, by, offset, bytes));
    }

    /** {@code wgmma.commit_group}. */
    void commit() {
        open++;
    }

    /** {@code wgmma.wait_group}: waits until so many groups are under way. */
    void complete(Warp w, int left) {
        done = Math.max(done, open - 1 - left);
        while (!shared.isEmpty() && shared.peek().group <= done) {
            Reading r = shared.remove();
            w.machine.shared().hasRead(w, 0, r.offset, r.bytes, r.by);
        }
    }

    /** A product that nobody has waited for, or null. */
    Insn any() {
        return shared.isEmpty() ? null : shared.peek().by;
    }
}

package dev.jacquard.emulator;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What goes on in a block's shared memory beside its threads' own accesses, word by word: copies that fill it, copies that have filled it and of which a thread may not know yet,
 * asynchronous instructions that read it, and barrier objects.
 */
final class Watches {
    /** A {@code cp.async} under way. */
    private record Copying(int thread, Insn by) {}

    /** An mbarrier lies there. */
    private record Reserved(Insn by) {}

    private final SharedMemory shared;
    private Object[] marks = new Object[0];
    private int[] readers = new int[0];
    private Insn[] readAt = new Insn[0];
    private final List<BulkCopy.Flight> landed = new ArrayList<>();
    private boolean active;

    Watches(SharedMemory shared) {
        this.shared = shared;
    }

    /** Whether there has been anything to watch in this block. */
    boolean active() {
        return active;
    }

    /** A new block. */
    void start() {
        if (active) {
            Arrays.fill(marks, null);
            Arrays.fill(readers, 0);
            landed.clear();
            active = false;
        }
    }

    private void activate() {
        active = true;
        int words = shared.data().length + 3 >> 2;
        if (marks.length < words) {
            marks = Arrays.copyOf(marks, words);
            readers = Arrays.copyOf(readers, words);
            readAt = Arrays.copyOf(readAt, words);
        }
    }

    private void mark(int offset, int bytes, Object mark) {
        activate();
        Arrays.fill(marks, offset >> 2, offset + bytes + 3 >> 2, mark);
    }

    /** A {@code cp.async} of whole words begins: until it is complete nobody may touch them. */
    void copying(Warp w, int lane, int offset, Access by) {
        mark(offset, by.bytes, new Copying(w.index * Warp.LANES + lane, by));
    }

    void copied(int offset, int bytes) {
        mark(offset, bytes, null);
    }

    /** An mbarrier is made, or with null no more. */
    void reserve(int offset, int bytes, Insn by) {
        mark(offset, bytes, by == null ? null : new Reserved(by));
    }

    void flies(BulkCopy.Flight flight) {
        mark(flight.to(), flight.bytes(), flight);
    }

    /** A copy has come: threads that have waited for it may touch its bytes. */
    void lands(BulkCopy.Flight flight) {
        landed.removeIf(f -> f.to() == flight.to() && f.bytes() == flight.bytes()); // the copy before into the same place, of which nothing is left
        landed.add(flight);
    }

    /** A barrier of the block: what one thread has waited for, all may touch. */
    void barrier() {
        landed.removeIf(f -> {
            if (!f.barrier().seen(f.phase())) {
                return false;
            }
            for (int word = f.to() >> 2; word < f.to() + f.bytes() >> 2; word++) {
                if (marks[word] == f) {
                    marks[word] = null;
                }
            }
            return true;
        });
    }

    /** An asynchronous instruction begins to read. */
    void reads(int offset, int bytes, Insn by) {
        activate();
        for (int word = offset >> 2; word <= offset + bytes - 1 >> 2; word++) {
            readers[word]++;
            readAt[word] = by;
        }
    }

    /** It has been waited for. */
    void hasRead(int offset, int bytes) {
        for (int word = offset >> 2; word <= offset + bytes - 1 >> 2; word++) {
            readers[word]--;
        }
    }

    /**
     * Fails if a thread, or an asynchronous instruction that it starts, may not touch these bytes. @param refill whether a copy is to fill them, which need not know of the one
     * before
     */
    void check(Warp w, int lane, int offset, int bytes, boolean reads, boolean writes, boolean refill) {
        for (int word = offset >> 2; word <= offset + bytes - 1 >> 2; word++) {
            String why = why(w, lane, marks[word], refill);
            if (why == null && writes && readers[word] > 0) {
                why = name(readAt[word]) + SharedMemory.place(readAt[word]) + " reads and that has not been waited for";
            }
            if (why != null) {
                throw new Fault(lane, (reads ? "read of" : "write to") + " shared memory that " + why + ", at " + shared.describe(4L * word + Windows.SHARED_START));
            }
        }
    }

    private static String name(Insn by) {
        return by.source.opcode() + "." + String.join(".", by.source.modifiers().subList(0, Math.min(2, by.source.modifiers().size())));
    }

    private static String why(Warp w, int lane, Object mark, boolean refill) {
        return switch (mark) {
            case null -> null;
            case Copying(int thread, Insn by) -> "cp.async of " + (thread == w.index * Warp.LANES + lane ? "this thread" : "thread " + w.machine.threadName(thread))
                    + SharedMemory.place(by)
                    + " is filling and that has not been waited for";
            case Reserved(Insn by) -> "is an mbarrier, made by mbarrier.init" + SharedMemory.place(by);
            case BulkCopy.Flight f when f.phase() < 0 -> "cp.async.bulk" + SharedMemory.place(f.by()) + " is filling and that has not been waited for";
            case BulkCopy.Flight f when !refill && !f.barrier().seenBy(w, f.phase()) -> "cp.async.bulk" + SharedMemory.place(f.by())
                    + " has filled, without a wait of this thread for its mbarrier";
            default -> null;
        };
    }
}

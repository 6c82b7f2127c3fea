package dev.jacquard.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * The table of a multi-tensor launch, as kernels/include/parts.cuh declares it: a parameter of the kernel by value, so that there is nothing to upload and a captured graph holds
 * it. What does not fit into one table goes into the next launch.
 */
final class Parts {
    /** Elements of a block. */
    static final long CHUNK = 4096;

    /** All parameters of a kernel take at most 4096 bytes before CUDA 12.1; the rest is for the others. */
    private static final int TABLE_BYTES = 4000;

    private final int tensors;
    private final int most;
    private final List<Part> parts = new ArrayList<>();

    private record Part(long[] addresses, long n, double coefficient) {}

    /** One launch's table. @param blocks the launch's grid */
    record Table(MemorySegment bytes, long blocks) {}

    /** An empty table. @param tensors per part */
    Parts(int tensors) {
        this.tensors = tensors;
        this.most = (TABLE_BYTES - 8) / (8 * tensors + 16);
    }

    /** Adds a part. @param addresses of its tensors, 0 for one that is not there @param n elements of each @param coefficient a number of the part's own */
    void add(long[] addresses, long n, double coefficient) {
        parts.add(new Part(addresses, n, coefficient));
    }

    /** The tables, one per launch. */
    List<Table> tables() {
        List<Table> all = new ArrayList<>();
        for (int from = 0; from < parts.size(); from += most) {
            all.add(table(parts.subList(from, Math.min(parts.size(), from + most))));
        }
        return all;
    }

    private Table table(List<Part> some) {
        long sizes = 8L * most * tensors;
        long firsts = sizes + 8L * most;
        long coefficients = firsts + 4L * most;
        long count = coefficients + 4L * most;
        MemorySegment m = MemorySegment.ofArray(new long[Math.toIntExact((count + 8) / 8)]);
        long blocks = 0;
        for (int i = 0; i < some.size(); i++) {
            Part p = some.get(i);
            for (int t = 0; t < tensors; t++) {
                m.set(ValueLayout.JAVA_LONG_UNALIGNED, 8L * (i * tensors + t), p.addresses[t]);
            }
            m.set(ValueLayout.JAVA_LONG_UNALIGNED, sizes + 8L * i, p.n);
            m.set(ValueLayout.JAVA_INT_UNALIGNED, firsts + 4L * i, Math.toIntExact(blocks));
            m.set(ValueLayout.JAVA_FLOAT_UNALIGNED, coefficients + 4L * i, (float) p.coefficient);
            blocks += Call.blocks(p.n, CHUNK);
        }
        m.set(ValueLayout.JAVA_INT_UNALIGNED, count, some.size());
        return new Table(m, blocks);
    }
}

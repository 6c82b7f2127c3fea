package dev.jacquard.cpu;

import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.backend.HostBuffer;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.backend.View;
import java.util.List;

/**
 * A kernel's operands with the threads and loops to use.
 *
 * @param in inputs
 * @param out outputs, contiguous
 * @param workspace address of the scratch memory
 * @param team threads and innermost loops
 */
record Call(List<View> in, List<View> out, long workspace, CpuKernel.Team team) {
    /** Work for one chunk of a parallel loop: about this many floats keep a core busy for some microseconds. */
    static final long GRAIN = 16_384;

    /** Address of the first element of input i. */
    long in(int i) {
        return address(in.get(i));
    }

    /** Address of the first element of output i. */
    long out(int i) {
        return address(out.get(i));
    }

    Shape inShape(int i) {
        return in.get(i).shape();
    }

    Shape outShape(int i) {
        return out.get(i).shape();
    }

    static long address(View v) {
        return HostBuffer.of(v.buffer()).segment().address() + v.layout().offset() * v.dtype().bytes();
    }

    /** A part of a loop. */
    @FunctionalInterface
    interface Range {
        /** Does iterations {@code from} (inclusive) to {@code to} (exclusive). */
        void run(long from, long to);
    }

    /** A part of a loop that needs scratch of its thread's own. */
    @FunctionalInterface
    interface WorkerRange {
        /** Does iterations {@code from} (inclusive) to {@code to} (exclusive) as this worker of the team. */
        void run(long from, long to, int worker);
    }

    /**
     * A launch that splits n iterations among the team. Where the cuts lie depends on n and the cost alone, never on the number of threads.
     *
     * @param each cost of an iteration, in floats touched
     */
    Launch parallel(long n, long each, Range body) {
        return parallel(n, each, (from, to, _) -> body.run(from, to));
    }

    /** {@link #parallel(long, long, Range)} for a body that is told which worker it is. */
    Launch parallel(long n, long each, WorkerRange body) {
        long perChunk = Math.max(1, GRAIN / Math.max(1, each));
        if (n <= perChunk) {
            return () -> body.run(0, n, 0);
        }
        int chunks = Math.toIntExact((n + perChunk - 1) / perChunk);
        Workers.Task task = (chunk, worker) -> body.run(chunk * perChunk, Math.min(n, (chunk + 1) * perChunk), worker);
        Workers workers = team.workers();
        return () -> workers.run(task, chunks);
    }
}

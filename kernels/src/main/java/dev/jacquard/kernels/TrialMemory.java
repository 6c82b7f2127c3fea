package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Elements;
import dev.jacquard.tensor.backend.View;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A call's operands while its candidates are tried: what was in their memory is put aside, since it may be weights, constants, or a gradient that is being added up; numbers that a
 * mistake would show in come in its place; {@link #close} puts everything back.
 */
final class TrialMemory implements AutoCloseable {
    private static final byte POISON = -1;
    /** Results up to so many are compared as a whole. */
    private static final long WHOLE = 1 << 18;
    private static final int STRETCHES = 64;

    private final Device device;
    private final Driver driver;
    private final Call call;
    private final List<Range> ranges;
    private final List<Saved> saved = new ArrayList<>();
    private final Arena arena = Arena.ofShared();
    private final TrialValues values;

    /** Addresses. */
    private record Range(long from, long to) {
        static Range of(View v) {
            long base = CudaBuffer.of(v.buffer()).address();
            return new Range(base + v.layout().offset() * v.dtype().bytes(), base + v.layout().end() * v.dtype().bytes());
        }

        long bytes() {
            return to - from;
        }
    }

    /** Contents put aside: on the device, or where that is full on the host. */
    private record Saved(Range range, long copy, MemorySegment host) {}

    TrialMemory(Device device, Call call) {
        this(device, call, new TrialValues());
    }

    /** @param values made before for other calls, or to be made */
    TrialMemory(Device device, Call call, TrialValues values) {
        this.device = device;
        this.driver = device.driver();
        this.call = call;
        this.values = values;
        this.ranges = merged(call);
        boolean done = false;
        try {
            ranges.forEach(r -> saved.add(save(r)));
            done = true;
        } finally {
            if (!done) {
                close();
            }
        }
    }

    /** Each byte once, however many operands share it. Neighbours stay apart: they may be allocations of their own, and no copy may go over the end of one. */
    private static List<Range> merged(Call call) {
        List<View> all = new ArrayList<>(call.in());
        all.addAll(call.out());
        List<Range> merged = new ArrayList<>();
        for (Range r : all.stream().map(Range::of).filter(r -> r.bytes() > 0).sorted(Comparator.comparingLong(Range::from)).toList()) {
            if (!merged.isEmpty() && merged.getLast().to > r.from) {
                merged.set(merged.size() - 1, new Range(merged.getLast().from, Math.max(merged.getLast().to, r.to)));
            } else {
                merged.add(r);
            }
        }
        return merged;
    }

    private Saved save(Range r) {
        try {
            long copy = driver.allocate(r.bytes()); // not of the pool, which would keep it
            driver.copy(copy, r.from, r.bytes(), device.stream());
            return new Saved(r, copy, null);
        } catch (DriverException e) {
            if (e.kind() != DriverException.Kind.OUT_OF_MEMORY) {
                throw e;
            }
            MemorySegment host = arena.allocate(r.bytes(), 64);
            device.download(host, r.from);
            return new Saved(r, 0, host);
        }
    }

    /**
     * Gives floating-point and I8 operands numbers in [-1, 1] and -127 to 127, and results what nothing computes. Others stay as they are: they are indices or masks, and not every
     * number is one.
     */
    void prepare() {
        for (View v : call.out()) {
            driver.fill(Range.of(v).from, POISON, Range.of(v).bytes(), device.stream());
        }
        for (View v : call.in()) {
            if (v.dtype().isFloating() || v.dtype() == DType.I8) {
                fill(device, Range.of(v).from, Range.of(v).bytes(), values.of(v.dtype(), Range.of(v).bytes() / v.dtype().bytes()));
            }
        }
    }

    /** Repeats numbers in memory. */
    static void fill(Device device, long at, long bytes, MemorySegment pattern) {
        long done = Math.min(bytes, pattern.byteSize());
        device.upload(at, pattern.asSlice(0, done));
        while (done < bytes) {
            long more = Math.min(done, bytes - done);
            device.driver().copy(at + done, at, more, device.stream());
            done += more;
        }
    }

    /** Results, of each output: all of them, or of a large one its beginning, its end, and stretches between. */
    List<double[]> results() {
        return call.out().stream().map(this::sample).toList();
    }

    private double[] sample(View v) {
        long n = v.shape().size();
        int each = (int) (n <= WHOLE ? n : WHOLE / STRETCHES);
        int stretches = n <= WHOLE ? 1 : STRETCHES;
        double[] all = new double[each * stretches];
        MemorySegment host = arena.allocate(Math.max(1, (long) each * v.dtype().bytes()), 64);
        for (int s = 0; s < stretches; s++) {
            long at = stretches == 1 ? 0 : (n - each) / (stretches - 1) * s;
            at = s > 0 && s == stretches - 1 ? n - each : at;
            device.download(host.asSlice(0, (long) each * v.dtype().bytes()), Call.address(v) + at * v.dtype().bytes());
            for (int i = 0; i < each; i++) {
                all[s * each + i] = Elements.get(host, v.dtype(), i);
            }
        }
        return all;
    }

    /** Puts back what was there. */
    @Override
    public void close() {
        try {
            for (Saved s : saved) {
                if (s.host == null) {
                    driver.copy(s.range.from, s.copy, s.range.bytes(), device.stream());
                } else {
                    device.upload(s.range.from, s.host);
                }
            }
            driver.synchronize(device.stream());
        } finally {
            saved.stream().filter(s -> s.host == null).forEach(s -> driver.free(s.copy));
            saved.clear();
            arena.close();
        }
    }
}

package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.JacquardException;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Cost;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Times all ways to compute an op on a device, our kernels and the libraries' engines, whether or not anything would choose them. Each is compared with our first kernel; those
 * that are right and not clearly slower than the fastest then take turns, so that all see the same clocks and the same neighbours. The caches are as the work itself leaves them.
 * Not thread-safe.
 */
public final class CandidateBench implements AutoCloseable {
    /** So many times slower than the fastest takes no turns. */
    private static final double CLOSE = 2;
    /** Elements: scales and shifts have fewer. */
    private static final long SHORT = 1 << 14;

    private final CudaBackend backend;
    private final Device device;
    private final Settings settings;
    private final Tuner tuner;
    private final LaunchTimer timer;
    private final TrialValues values = new TrialValues();

    /**
     * How to measure.
     *
     * @param rounds of turns, of which the median counts
     * @param copyBytes of the copy that shows the bandwidth; many times the device's cache
     */
    public record Settings(int rounds, long copyBytes) {
        /** Seven rounds; 1 GiB. */
        public static final Settings STANDARD = new Settings(7, 1L << 30);
    }

    /**
     * What came of a candidate.
     *
     * @param candidate its name
     * @param own whether it is one of our kernels; else a library's engine
     * @param us microseconds, a median; NaN if it was not timed
     * @param rounds in which it took turns with others; 0 if it was clearly slower than they, when its time was measured by itself, or if it was not timed
     * @param problem why it cannot be used, wrong results among others; empty if it can
     */
    public record Timing(String candidate, boolean own, double us, int rounds, String problem) {
        /** Whether it can be used. */
        public boolean fit() {
            return problem.isEmpty();
        }
    }

    /**
     * What came of an op.
     *
     * @param cost what it must do at least
     * @param timings of all candidates, the fastest first, those that cannot be used last; empty if there is no kernel for it
     */
    public record Outcome(Cost cost, List<Timing> timings) {
        /** The fastest of ours, or of the libraries'. @param prefix of its name */
        public Optional<Timing> best(boolean own, String prefix) {
            return timings.stream().filter(t -> t.fit() && t.own() == own && t.candidate().startsWith(prefix)).min(Comparator.comparingDouble(Timing::us));
        }
    }

    /** A bench on a backend, which stays open when this is closed. */
    public CandidateBench(CudaBackend backend, Settings settings) {
        this.backend = backend;
        this.device = backend.device();
        this.settings = settings;
        this.tuner = new Tuner(device);
        this.timer = new LaunchTimer(device);
    }

    /** GB/s of the device's own copy, read and written bytes together. */
    public double copyBandwidth() {
        try (Buffer from = backend.allocate(settings.copyBytes, "the bench's copy"); Buffer to = backend.allocate(settings.copyBytes, "the bench's copy")) {
            long source = CudaBuffer.of(from).address();
            double[] us = new double[1];
            device.guarded("copy", () -> {
                device.driver().fill(source, (byte) 1, settings.copyBytes, device.stream());
                us[0] = timer.copy(CudaBuffer.of(to).address(), source, settings.copyBytes);
            });
            return 2 * settings.copyBytes / us[0] / 1e3;
        }
    }

    /**
     * Times an op's candidates.
     *
     * @param sample with operands of the arithmetic's type
     * @throws JacquardException if its operands do not fit into memory, or the device is lost
     */
    public Outcome measure(Sample sample, Arithmetic arithmetic) {
        List<TensorType> results = sample.op().infer(sample.types());
        Cost cost = sample.op().cost(sample.types(), results);
        if (backend.unsupported(sample.op(), sample.types()).isPresent() || !(CudaBackend.kernel(sample.op()) instanceof ChoosingKernel<Op> kernel)) {
            return new Outcome(cost, List.of());
        }
        device.trim(); // each case has other sizes, and what their trials put aside is not of the pool
        boolean tf32 = arithmetic == Arithmetic.TF32;
        List<Candidate> all = device.choices().all(kernel, sample.op(), sample.types(), tf32);
        List<Candidate> modest = all.stream().filter(c -> c.workspace() <= Choices.MOST_WORKSPACE).toList();
        List<Timing> timings = new ArrayList<>(timed(sample, results, modest, Agreement.of(sample.op().accuracy(sample.types()), tf32)));
        all.stream().filter(c -> !modest.contains(c)).forEach(c -> timings.add(new Timing(c.name(), c.own(), Double.NaN, 0,
                "it wants " + c.workspace() + " bytes of scratch, at most " + Choices.MOST_WORKSPACE + " are given")));
        timings.sort(Comparator.comparing((Timing t) -> !t.fit()).thenComparingDouble(Timing::us)); // NaN is last
        return new Outcome(cost, List.copyOf(timings));
    }

    private List<Timing> timed(Sample sample, List<TensorType> results, List<Candidate> candidates, Agreement agreement) {
        List<Buffer> memory = new ArrayList<>();
        try {
            List<View> in = new ArrayList<>();
            for (int i = 0; i < sample.operands().size(); i++) {
                Operand o = sample.operands().get(i);
                in.add(view(memory, o.type()));
                fill(in.getLast(), o, i);
            }
            List<View> out = results.stream().map(t -> view(memory, t)).toList();
            memory.add(backend.allocate(Math.max(1, candidates.stream().mapToLong(Candidate::workspace).max().orElse(0)), "candidates' scratch"));
            Call call = new Call(device, in, out, CudaBuffer.of(memory.getLast()).address());
            List<Tuner.Verdict> verdicts = tuner.judge(sample.toString(), candidates, call, agreement);
            return turns(sample.toString(), verdicts, call);
        } finally {
            memory.forEach(Buffer::close);
        }
    }

    private View view(List<Buffer> memory, TensorType type) {
        memory.add(backend.allocate(Math.max(1, type.bytes()), "operand"));
        return View.of(memory.getLast(), type);
    }

    /**
     * How much power is drawn, and with it the clock, depends on the numbers: zeros would be fast. Only short operands and indices have numbers of their own; to make so many for
     * all would take longer than the rest.
     */
    private void fill(View v, Operand o, int position) {
        DType type = v.dtype();
        if (v.shape().size() <= SHORT || !type.isFloating() && type != DType.I8) {
            WorkloadRun.fill(v.buffer(), o, 1, position);
        } else {
            device.guarded("fill", () -> TrialMemory.fill(device, Call.address(v), v.type().bytes(), values.of(type, v.shape().size())));
        }
    }

    private List<Timing> turns(String what, List<Tuner.Verdict> verdicts, Call call) {
        double best = verdicts.stream().filter(Tuner.Verdict::fit).mapToDouble(Tuner.Verdict::us).min().orElse(Double.NaN);
        List<Tuner.Verdict> close = verdicts.stream().filter(v -> v.fit() && v.us() <= CLOSE * best).toList();
        List<LaunchTimer.Replay> replays = new ArrayList<>();
        double[][] us = new double[close.size()][settings.rounds];
        try {
            close.forEach(v -> replays.add(timer.replay(v.candidate().bind(call), v.us())));
            for (int round = 0; round < settings.rounds; round++) {
                for (int i = 0; i < us.length; i++) {
                    us[i][round] = replays.get(i).us();
                }
            }
        } catch (DriverException e) {
            throw device.translated(what, e);
        } finally {
            replays.forEach(LaunchTimer.Replay::close);
        }
        return verdicts.stream().map(v -> {
            int i = close.indexOf(v);
            return new Timing(v.candidate().name(), v.candidate().own(), i < 0 ? v.us() : LaunchTimer.median(us[i]), i < 0 ? 0 : settings.rounds, v.fit() ? "" : v.problem());
        }).toList();
    }

    @Override
    public void close() {
        timer.close();
    }
}

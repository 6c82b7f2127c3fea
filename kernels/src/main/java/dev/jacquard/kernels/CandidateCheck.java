package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.JacquardException;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compares all ways to compute an op with each other, on the device and on random operands: our kernels and the libraries' engines, whether or not anything would choose them. Of
 * our kernels' results the one that most agree with is taken for right: engines of one library share their code, so that their number proves nothing against ours, which are proved
 * elsewhere. Whoever computes another, or fails, is logged and not used again by this backend for ops of that kind and type.
 */
public final class CandidateCheck {
    private static final Logger LOG = LoggerFactory.getLogger(CandidateCheck.class);

    private CandidateCheck() {}

    /**
     * One that is wrong.
     *
     * @param op with its operands
     * @param candidate its name
     * @param problem how its result differs, or what it failed with
     */
    public record Finding(String op, String candidate, String problem) {
        /** {@code matmul f16(5, 7) f16(7, 3): cublasLt 0: got 3.0 in the place of 2.5}. */
        @Override
        public String toString() {
            return op + ": " + candidate + ": " + problem;
        }
    }

    /**
     * What a check has seen.
     *
     * @param ops that have several candidates or one
     * @param candidates of all of them together
     * @param names of those, each once
     * @param findings those that are wrong
     */
    public record Outcome(int ops, int candidates, List<String> names, List<Finding> findings) {}

    /** Products and convolutions of networks' shapes in a type. @param batch images per batch */
    public static List<Sample> samples(long batch, DType type) {
        return ProductKernels.workloads(batch).stream().map(Workload::sample).distinct()
                .filter(s -> CudaBackend.kernel(s.op()) instanceof ChoosingKernel<?> && s.operands().stream().allMatch(o -> o.type().dtype() == DType.F32))
                .map(s -> s.withDType(type)).toList();
    }

    /** Checks the candidates of each op; ops that have none are passed over. @throws JacquardException if the device is lost */
    public static Outcome run(CudaBackend backend, List<Sample> samples) {
        List<Finding> findings = new ArrayList<>();
        List<String> names = new ArrayList<>();
        int ops = 0;
        for (Sample s : samples) {
            if (backend.unsupported(s.op(), s.types()).isEmpty() && CudaBackend.kernel(s.op()) instanceof ChoosingKernel<Op> kernel) {
                List<Candidate> all = backend.device().choices().all(kernel, s.op(), s.types());
                findings.addAll(check(backend, s, all));
                all.forEach(c -> names.add(c.name()));
                ops++;
            }
        }
        return new Outcome(ops, names.size(), names.stream().distinct().sorted().toList(), List.copyOf(findings));
    }

    private static List<Finding> check(CudaBackend backend, Sample s, List<Candidate> all) {
        List<Buffer> memory = new ArrayList<>();
        try {
            Device device = backend.device();
            List<View> in = s.types().stream().map(t -> view(backend, memory, t)).toList();
            List<View> out = s.op().infer(s.types()).stream().map(t -> view(backend, memory, t)).toList();
            memory.add(backend.allocate(Math.max(1, all.stream().mapToLong(Candidate::workspace).max().orElse(0)), "candidates' scratch"));
            Call call = new Call(device, in, out, CudaBuffer.of(memory.getLast()).address());
            try (TrialMemory trial = new TrialMemory(device, call)) {
                return judge(backend, s, all, all.stream().map(c -> result(device, c, call, trial)).toList());
            }
        } finally {
            memory.forEach(Buffer::close);
        }
    }

    private static View view(CudaBackend backend, List<Buffer> memory, TensorType type) {
        memory.add(backend.allocate(Math.max(1, type.bytes()), "operand"));
        return View.of(memory.getLast(), type);
    }

    /** What a candidate computed, or why it did not. */
    private record Result(List<double[]> values, String failure) {}

    private static Result result(Device device, Candidate c, Call call, TrialMemory trial) {
        trial.prepare();
        try {
            c.bind(call).enqueue(device.stream());
            device.synchronize();
            return new Result(trial.results(), null);
        } catch (JacquardException e) {
            if (DriverException.isSticky(e)) {
                throw e; // the context is lost: nothing else will work either
            }
            return new Result(List.of(), "failed: " + e.getMessage());
        }
    }

    private static List<Finding> judge(CudaBackend backend, Sample s, List<Candidate> all, List<Result> results) {
        String what = s.op().name() + s.types().stream().map(t -> " " + t).reduce("", String::concat);
        Agreement agreement = Agreement.of(s.op().accuracy(s.types()), backend.device().choices().target().tf32());
        List<DType> types = s.op().infer(s.types()).stream().map(TensorType::dtype).toList();
        int right = right(all, results, agreement, types);
        List<Finding> findings = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            String problem = results.get(i).failure != null ? results.get(i).failure : difference(results.get(right), results.get(i), agreement, types);
            if (problem != null) {
                findings.add(new Finding(what, all.get(i).name(), problem));
                LOG.warn("{}; it is not used any more", findings.getLast());
                backend.device().choices().ban(s.op(), s.types().getFirst().dtype(), all.get(i).name());
            }
        }
        return findings;
    }

    /** The one of ours whose result most agree with, libraries' engines too; of several the first. One that failed cannot be it, unless all did. */
    private static int right(List<Candidate> all, List<Result> results, Agreement agreement, List<DType> types) {
        int best = 0;
        long most = -1;
        for (int i = 0; i < all.size(); i++) {
            Result mine = results.get(i);
            if (mine.failure == null) {
                long agree = IntStream.range(0, all.size()).filter(j -> results.get(j).failure == null && difference(mine, results.get(j), agreement, types) == null).count();
                long rank = agree + (all.get(i).own() ? all.size() : 0);
                if (rank > most) {
                    best = i;
                    most = rank;
                }
            }
        }
        return best;
    }

    /** Where a result differs from the right one, in words; null if it does not. */
    private static String difference(Result want, Result got, Agreement agreement, List<DType> types) {
        for (int o = 0; o < types.size(); o++) {
            int at = agreement.difference(types.get(o), want.values.get(o), got.values.get(o));
            if (at >= 0) {
                return "got " + got.values.get(o)[at] + " in the place of " + want.values.get(o)[at];
            }
        }
        return null;
    }
}

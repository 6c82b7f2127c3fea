package dev.jacquard.kernels;

import dev.jacquard.kernels.catalog.Catalog;
import dev.jacquard.kernels.catalog.Traffic;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Elements;
import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Operand;
import dev.jacquard.tensor.op.Sample;
import dev.jacquard.tensor.op.ViewOp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** A workload with its operands on a device, ready to be launched as often as one likes. Not thread-safe. */
public final class WorkloadRun implements AutoCloseable {
    /** More values than this are not made, but repeated. */
    private static final int DISTINCT_VALUES = 1 << 20;

    private final Workload workload;
    private final DType dtype;
    private final Backend backend;
    private final List<Buffer> memory = new ArrayList<>();
    private final List<View> outputs = new ArrayList<>();
    private final CudaLaunch launch;

    private WorkloadRun(CudaBackend backend, Workload workload, Optional<Candidate> candidate, DType dtype, long seed) {
        this.workload = workload;
        this.dtype = dtype;
        this.backend = backend;
        boolean done = false;
        try {
            launch = bind(backend, workload.sample().withDType(dtype), candidate, seed);
            backend.synchronize(); // operands come in the backend's stream, and enqueue() takes any
            done = true;
        } finally {
            if (!done) {
                close();
            }
        }
    }

    /** Puts a workload's operands on a device. @return empty if the backend has no kernel for the op in this type, or not the workload's way */
    public static Optional<WorkloadRun> of(CudaBackend backend, Workload workload, DType dtype, long seed) {
        Sample s = workload.sample().withDType(dtype);
        if (backend.unsupported(launched(s.op()), s.types()).isPresent() || workload.way().flatMap(Workload.Way::dtype).filter(only -> only != dtype).isPresent()) {
            return Optional.empty();
        }
        Optional<Candidate> candidate = workload.way().flatMap(w -> backend.candidate(s.op(), s.types(), w));
        return workload.way().isPresent() && candidate.isEmpty() ? Optional.empty() : Optional.of(new WorkloadRun(backend, workload, candidate, dtype, seed));
    }

    /** Whether the workload is the same in every floating type. */
    public static boolean isUntyped(Workload w) {
        return w.sample().operands().stream().noneMatch(o -> o.type().dtype() == DType.F32);
    }

    /** A view has no kernel; what is run is the copy that makes it contiguous: the workload of a layout. */
    private static Op launched(Op op) {
        return op instanceof ViewOp ? new Movement.Copy() : op;
    }

    private CudaLaunch bind(CudaBackend cuda, Sample s, Optional<Candidate> candidate, long seed) {
        List<View> in = new ArrayList<>();
        for (int i = 0; i < s.operands().size(); i++) {
            Operand o = s.operands().get(i);
            in.add(view(o.type(), "operand " + i));
            fill(in.get(i).buffer(), o, seed, i);
        }
        Op op = launched(s.op());
        if (s.op() instanceof ViewOp v) {
            View whole = in.getFirst();
            in.set(0, whole.with(v.view(whole.layout()).orElseThrow()));
        }
        for (TensorType t : s.op().infer(s.types())) {
            outputs.add(view(t, "output"));
        }
        if (candidate.isPresent()) {
            Buffer scratch = allocate(candidate.get().workspace(), "workspace");
            return candidate.get().bind(new Call(cuda.device(), in, outputs, CudaBuffer.of(scratch).address()));
        }
        Buffer workspace = allocate(cuda.workspace(op, in.stream().map(View::type).toList()), "workspace");
        return (CudaLaunch) cuda.prepare(op, in, outputs, workspace);
    }

    private View view(TensorType type, String purpose) {
        return new View(allocate(type.bytes(), purpose), type.dtype(), Layout.contiguous(type.shape()));
    }

    private Buffer allocate(long bytes, String purpose) {
        Buffer b = backend.allocate(Math.max(bytes, 1), purpose);
        memory.add(b);
        return b;
    }

    /** Gives an operand its values; beyond a million they are repeated. */
    static void fill(Buffer buffer, Operand o, long seed, int position) {
        DType type = o.type().dtype();
        long n = o.type().shape().size();
        int made = (int) Math.min(n, DISTINCT_VALUES);
        double[] values = made == n ? o.materialize(seed, position) : new Operand(TensorType.of(type, made), o.fill(), o.lo(), o.hi(), o.given()).materialize(seed, position);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(Math.max(1L, made) * type.bytes(), 16);
            for (int i = 0; i < made; i++) {
                Elements.set(host, type, i, values[i]);
            }
            for (long at = 0; at < n; at += made) {
                long count = Math.min(made, n - at);
                buffer.upload(at * type.bytes(), host.asSlice(0, count * type.bytes()));
            }
        }
    }

    /** What is run. */
    public Workload workload() {
        return workload;
    }

    /** The floating type of its operands. */
    public DType dtype() {
        return dtype;
    }

    /** Symbols of its kernels in the order of their launches. */
    public List<String> kernels() {
        return launch.kernels();
    }

    /** Its launches, as {@code symbol <<<grid, block, shared>>>}. */
    public List<String> launches() {
        return launch.launches();
    }

    /** Bytes that its kernels must move, by their contract's Traffic lines. @throws IllegalArgumentException if a line or a size is missing */
    public double traffic(List<Traffic> lines) {
        double bytes = 0;
        for (String kernel : kernels()) {
            Traffic t = Traffic.of(lines, kernel).or(() -> ofItsModule(kernel)).orElseThrow(() -> new IllegalArgumentException("no Traffic line for " + kernel));
            bytes += t.readBytes(workload.sizes(), dtype.bytes()) + t.writeBytes(workload.sizes(), dtype.bytes());
        }
        return bytes;
    }

    /** A workload may use a kernel of another family: a cast to the type that is there already is a copy. */
    private static Optional<Traffic> ofItsModule(String kernel) {
        return Catalog.kernels().stream().filter(k -> k.symbol().equals(kernel)).findFirst().flatMap(k -> Traffic.of(Catalog.contract(k.module()).traffic(), kernel));
    }

    /** Launches its kernels and waits for them. */
    public void run() {
        launch.run();
        backend.synchronize();
    }

    /** Launches its kernels in a stream, without waiting. */
    void enqueue(long stream) {
        launch.enqueue(stream);
    }

    /** Some values of each output and their mean, for people. */
    public List<String> summary() {
        return outputs.stream().map(v -> {
            long n = v.shape().size();
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment host = arena.allocate(Math.max(1, n) * v.dtype().bytes(), 16);
                v.buffer().download(0, host.asSlice(0, n * v.dtype().bytes()));
                StringBuilder text = new StringBuilder(v.type() + ": ");
                double sum = 0;
                for (long i = 0; i < n; i++) {
                    double x = Elements.get(host, v.dtype(), i);
                    sum += x;
                    text.append(i < 4 ? String.format(Locale.ROOT, "%.6g ", x) : "");
                }
                return text.append(String.format(Locale.ROOT, "... mean %.6g", sum / n)).toString();
            }
        }).toList();
    }

    /** Frees its operands. */
    @Override
    public void close() {
        memory.forEach(Buffer::close);
        memory.clear();
    }
}

package dev.jacquard.cpu;

import dev.jacquard.cpu.x64.InstructionSet;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.OutOfMemoryException;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.BackendOptions;
import dev.jacquard.tensor.backend.BackendOptions.CpuKernels;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.HostBuffer;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.backend.Prepacking;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.FusedProduct;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.Pointwise;
import dev.jacquard.tensor.op.QuantizedProduct;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The embedded default backend: F32 kernels as machine code emitted for this processor, on the Vector API or in plain Java, on a fixed team of threads; F16 and BF16 are storage
 * formats that are computed in F32 and rounded once. Results do not depend on the number of threads.
 */
public final class CpuBackend implements Backend {
    private static final Map<Class<? extends Op>, CpuKernel<?>> KERNELS = table();

    private final CpuKernel.Team team;
    private final boolean emulatesTf32;

    /** A backend with its own threads. @param threads at least 1; the caller's thread is one of them */
    public CpuBackend(int threads) {
        this(threads, false);
    }

    /** The same. @param emulatesTf32 whether graphs planned for it are to round the operands of F32 products to TF32 */
    public CpuBackend(int threads, boolean emulatesTf32) {
        this(threads, CpuPath.of(CpuKernels.AUTO), emulatesTf32);
    }

    /** A backend as options say. @throws dev.jacquard.tensor.DeviceException if the kernels asked for do not run here */
    CpuBackend(BackendOptions options) {
        this(options.threads() == 0 ? Runtime.getRuntime().availableProcessors() : options.threads(), CpuPath.of(options.cpuKernels()),
                options.tf32() == BackendOptions.Tf32.EMULATE);
    }

    private CpuBackend(int threads, CpuPath path, boolean emulatesTf32) {
        this(threads, path.simd(), path.code(), emulatesTf32);
    }

    CpuBackend(int threads, Simd simd, Optional<InstructionSet> code) {
        this(threads, simd, code, false);
    }

    private CpuBackend(int threads, Simd simd, Optional<InstructionSet> code, boolean emulatesTf32) {
        this.team = new CpuKernel.Team(new Workers(threads), simd, code);
        this.emulatesTf32 = emulatesTf32;
    }

    private static Map<Class<? extends Op>, CpuKernel<?>> table() {
        Map<Class<? extends Op>, CpuKernel<?>> all = new HashMap<>();
        all.putAll(MovementKernels.rows());
        all.putAll(ReductionKernels.rows());
        all.putAll(ProductKernels.rows());
        all.putAll(PackedKernels.rows());
        all.putAll(PoolingKernels.rows());
        all.putAll(TrainingKernels.rows());
        all.putAll(UpdateKernels.rows());
        all.putAll(LossScalingKernels.rows());
        all.putAll(ImageKernels.rows());
        all.putAll(SparseKernels.rows());
        all.putAll(FusedNormalizationKernels.rows());
        all.putAll(GateKernels.rows());
        all.putAll(QuantizedKernels.rows());
        return Map.copyOf(all);
    }

    @SuppressWarnings("unchecked") // the table maps each op's class to a kernel of that op
    private static CpuKernel<Op> kernel(Op op) {
        CpuKernel<?> k = op instanceof Pointwise ? PointwiseKernels.INSTANCE : KERNELS.get(op.getClass());
        return (CpuKernel<Op>) k;
    }

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public String description() {
        return team.workers().size() + " threads, " + team.code().map(c -> "emitted " + c.label() + " code").orElseGet(team.simd()::describe)
                + (emulatesTf32 ? ", TF32 emulated" : "");
    }

    @Override
    public Buffer allocate(long bytes, String purpose) {
        try {
            return HostBuffer.allocate(bytes);
        } catch (OutOfMemoryError e) {
            throw outOfMemory(bytes, purpose, e);
        }
    }

    @Override
    public List<Buffer> allocateTogether(List<Long> bytes, List<String> purposes) {
        try {
            return HostBuffer.allocateTogether(bytes);
        } catch (OutOfMemoryError e) {
            throw outOfMemory(bytes.stream().mapToLong(Long::longValue).sum(), purposes.size() + " variables", e);
        }
    }

    private static OutOfMemoryException outOfMemory(long bytes, String purpose, OutOfMemoryError e) {
        return new OutOfMemoryException("cpu", "out of native memory for " + purpose, bytes + " bytes", "enough free memory", "use a smaller batch, or smaller images", e);
    }

    @Override
    public boolean emulatesTf32() {
        return emulatesTf32;
    }

    @Override
    public Optional<String> unsupported(Op op, List<TensorType> in) {
        CpuKernel<Op> k = kernel(op);
        if (k == null || !k.runsOn(team)) {
            return Optional.of("the CPU backend has no kernel for it");
        }
        boolean sums = op instanceof FusedProduct.ConvolutionStatistics || op instanceof FusedProduct.BackwardDataStatistics;
        if (addsToNothing(op, in) || sums && sumsNothing(op, in)) {
            return Optional.of("there is nothing to multiply: compute what its definition says");
        }
        return k.takes(op, in) || k.takes(op, HalfAdaptor.widened(in)) && in.stream().noneMatch(t -> t.dtype() == DType.F64)
                ? Optional.empty()
                : Optional.of("cast the operands to f32");
    }

    @Override
    public boolean accepts(Op op, int input, Layout layout) {
        return layout.isContiguous() || kernel(op).reads(input, layout);
    }

    @Override
    public long workspace(Op op, List<TensorType> in) {
        CpuKernel<Op> k = kernel(op);
        if (sumsNothing(op, in)) {
            return 0;
        }
        return k.takes(op, in) ? k.workspace(op, in, team) : HalfAdaptor.workspace(k, op, in, team);
    }

    @Override
    public Optional<Prepacking> prepacking(Op op, List<TensorType> in) {
        return PackedKernels.of(op, in, team);
    }

    /** Whether the results are sums of nothing. A shift is added to those of a product of no depth. */
    private static boolean sumsNothing(Op op, List<TensorType> in) {
        return in.stream().anyMatch(t -> t.shape().size() == 0) && !(op instanceof Movement) && !(op instanceof FusedProduct.MatMulShift);
    }

    /** Whether an op's results are what its epilogue makes of sums of nothing, by a kernel that has no case for that. */
    private static boolean addsToNothing(Op op, List<TensorType> in) {
        return (op instanceof FusedProduct.ConvolutionScaleShift || op instanceof FusedProduct.BackwardDataSum || op instanceof QuantizedProduct) && sumsNothing(op, in)
                && op.infer(in).getFirst().shape().size() > 0;
    }

    @Override
    public Launch prepare(Op op, List<View> in, List<View> out, Buffer workspace) {
        List<TensorType> types = in.stream().map(View::type).toList();
        if (out.stream().allMatch(v -> v.shape().size() == 0)) {
            return () -> {};
        }
        if (sumsNothing(op, types)) {
            return zeros(out);
        }
        CpuKernel<Op> k = kernel(op);
        Call call = new Call(in, out, HostBuffer.of(workspace).segment().address(), team);
        return k.takes(op, types) ? k.bind(op, call) : HalfAdaptor.bind(k, op, call);
    }

    /** One after another; the team is this plan's for all of them, so that its threads stay awake between them. */
    @Override
    public Launch sequence(String phase, List<Launch> parts) {
        Launch[] all = parts.toArray(Launch[]::new);
        Workers workers = team.workers();
        return () -> {
            workers.hold();
            try {
                for (Launch l : all) {
                    l.run();
                }
            } finally {
                workers.release();
            }
        };
    }

    private static Launch zeros(List<View> out) {
        List<MemorySegment> parts = out.stream().map(v -> Raw.segment(Call.address(v), v.type().bytes())).toList();
        return () -> {
            for (int i = 0; i < parts.size(); i++) {
                parts.get(i).fill((byte) 0);
            }
        };
    }

    /** Ends the threads. */
    @Override
    public void close() {
        team.workers().close();
    }
}

package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.tensor.Layout;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Buffer;
import dev.jacquard.tensor.backend.Launch;
import dev.jacquard.tensor.backend.View;
import dev.jacquard.tensor.op.Movement;
import dev.jacquard.tensor.op.Op;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongFunction;

/**
 * The CUDA backend: every op of the table as hand-written PTX in F32, F16 and BF16, with arithmetic in F32. All work of a backend is ordered in one stream; launches return before
 * it is done. It runs on whatever implements {@link Driver}: an NVIDIA device, or the emulator.
 */
public final class CudaBackend implements Backend {
    private static final Map<Class<? extends Op>, CudaKernel<?>> KERNELS = table();

    private final String name;
    private final Device device;

    /**
     * A backend on a device, which it closes when it is closed.
     *
     * @param name as in {@code --device}
     * @param cacheMemory whether freed memory is kept for later allocations; a driver that checks memory wants to see each
     */
    public CudaBackend(String name, Driver driver, boolean cacheMemory) {
        this(name, driver, cacheMemory, MatrixOptions.DEFAULT);
    }

    /** The same, with a say in how matrix products are computed. */
    public CudaBackend(String name, Driver driver, boolean cacheMemory, MatrixOptions options) {
        this.name = name;
        this.device = new Device(name, driver, cacheMemory, options);
    }

    /** Kernels that belong together. @param rows each op's kernel @param workloads what they are measured on, by images per batch */
    private record Family(Map<Class<? extends Op>, CudaKernel<?>> rows, LongFunction<List<Workload>> workloads) {}

    private static List<Family> families() {
        return List.of(
                new Family(PointwiseKernels.rows(), PointwiseKernels::workloads),
                new Family(ProductKernels.rows(), ProductKernels::workloads),
                new Family(MovementKernels.rows(), MovementKernels::workloads),
                new Family(RandomKernels.rows(), RandomKernels::workloads),
                new Family(ReductionKernels.rows(), ReductionKernels::workloads),
                new Family(LossKernels.rows(), LossKernels::workloads),
                new Family(PoolingKernels.rows(), PoolingKernels::workloads),
                new Family(OptimizerKernels.rows(), OptimizerKernels::workloads),
                new Family(ScalingKernels.rows(), ScalingKernels::workloads),
                new Family(QuantizationKernels.rows(), QuantizationKernels::workloads),
                new Family(SparseKernels.rows(), SparseKernels::workloads),
                new Family(ImageKernels.rows(), ImageKernels::workloads),
                new Family(NormalizationKernels.rows(), NormalizationKernels::workloads),
                new Family(SqueezeExciteKernels.rows(), SqueezeExciteKernels::workloads));
    }

    private static Map<Class<? extends Op>, CudaKernel<?>> table() {
        Map<Class<? extends Op>, CudaKernel<?>> all = new HashMap<>();
        families().forEach(f -> all.putAll(f.rows));
        return Map.copyOf(all);
    }

    /** What every kernel is measured on. @param batch images per batch: 1 or 2 to count on the emulator, 64 or more to time on a device */
    public static List<Workload> workloads(long batch) {
        return families().stream().flatMap(f -> f.workloads.apply(batch).stream()).toList();
    }

    @SuppressWarnings("unchecked") // the table maps each op's class to a kernel of that op
    static CudaKernel<Op> kernel(Op op) {
        return (CudaKernel<Op>) KERNELS.get(op.getClass());
    }

    /** A way to compute an op, whatever the selection says. */
    Optional<Candidate> candidate(Op op, List<TensorType> in, Workload.Way way) {
        if (!(kernel(op) instanceof ChoosingKernel<Op> k)) {
            return Optional.empty();
        }
        return k.candidates(op, in, new Target(device.driver().device(), way.tf32())).stream().filter(c -> c.name().equals(way.candidate())).findFirst();
    }

    /** What it runs on. */
    Device device() {
        return device;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String description() {
        return device.driver().device() + (emulatesTf32() ? ", TF32 emulated" : "");
    }

    /** What its device can do at best; empty if nobody has written that down. */
    public Optional<GpuModel> model() {
        return GpuModel.of(device.driver().device());
    }

    @Override
    public Buffer allocate(long bytes, String purpose) {
        return new CudaBuffer(device, device.allocate(bytes, purpose), bytes, true);
    }

    @Override
    public OptionalLong freeMemory() {
        return OptionalLong.of(device.driver().freeMemory());
    }

    @Override
    public boolean emulatesTf32() {
        return device.emulatesTf32();
    }

    @Override
    public Optional<String> unsupported(Op op, List<TensorType> in) {
        CudaKernel<Op> k = kernel(op);
        if (k == null) {
            return Optional.of("the CUDA backend has no kernel for it");
        }
        return k.takes(op, in, device) ? Optional.empty() : Optional.of("cast the operands to f32, f16 or bf16");
    }

    @Override
    public boolean accepts(Op op, int input, Layout layout) {
        return kernel(op).reads(input, layout);
    }

    @Override
    public long workspace(Op op, List<TensorType> in) {
        return in.stream().anyMatch(t -> t.shape().size() == 0) ? 0 : kernel(op).workspace(op, in, device);
    }

    @Override
    public Launch prepare(Op op, List<View> in, List<View> out, Buffer workspace) {
        if (out.stream().allMatch(v -> v.shape().size() == 0)) {
            return CudaLaunch.of(device, new CudaLaunch[0]);
        }
        Call call = new Call(device, in, out, CudaBuffer.of(workspace).address());
        if (in.stream().anyMatch(v -> v.shape().size() == 0) && !(op instanceof Movement)) {
            return CudaLaunch.of(device, out.stream().map(v -> call.fill(Call.address(v), v.type().bytes(), 0)).toArray(CudaLaunch[]::new)); // the sum of nothing
        }
        return kernel(op).bind(op, call);
    }

    @Override
    public Launch sequence(String phase, List<Launch> parts) {
        device.choices().save(); // a plan is complete
        List<CudaLaunch> ours = new ArrayList<>();
        parts.forEach(p -> ours.add((CudaLaunch) p));
        return new Sequence(device, phase, ours);
    }

    @Override
    public void synchronize() {
        device.synchronize();
    }

    @Override
    public void close() {
        device.close();
    }
}

package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.DeviceInfo;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.backend.BackendOptions.Autotune;
import dev.jacquard.tensor.backend.BackendOptions.Tf32;
import dev.jacquard.tensor.op.Accuracy;
import dev.jacquard.tensor.op.Cost;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What a GPU can do at best, as its maker says or as it was measured: for floors of times where no such device is at hand, and to see what rules choose for it.
 *
 * @param name as in {@code --gpu}
 * @param device its capability, multiprocessors, memory, shared memory of a block, and what its driver calls it
 * @param bandwidth of its memory in GB/s, read and written bytes together
 * @param f32 TFLOP/s in F32 on CUDA cores
 * @param tf32 TFLOP/s of dense products of F32 rounded to TF32; 0 without
 * @param half TFLOP/s of dense products of F16 or BF16, with sums in F32; a multiply-add is two
 * @param i8 TOP/s of dense products of I8
 * @param source of these numbers
 */
public record GpuModel(String name, DeviceInfo device, double bandwidth, double f32, double tf32, double half, double i8, String source) {
    private static final int DRIVER = 13000;
    /** Shared memory that a block may have at most, by capability (CUDA C++ Programming Guide, "Technical Specifications per Compute Capability"). */
    private static final int SM_75 = 64 << 10;
    private static final int SM_80 = 163 << 10;
    private static final int SM_89 = 99 << 10;
    private static final int SM_90 = 227 << 10;

    /** Sheets give products' rates with 2:4 sparsity for Hopper and L4; these are half of them. Memory is what CUDA shows of it, in round numbers. */
    private static final List<GpuModel> ROWS = List.of(
            new GpuModel("h200", device("NVIDIA H200", 90, 132, 140, SM_90), 4800, 67, 494.5, 989.5, 1979, "NVIDIA H200 data sheet (SXM)"),
            // The rates that were not measured are the sheet's times the share of it that bf16 reached, as power limits all products alike.
            new GpuModel("h200-measured", device("NVIDIA H200", 90, 132, 140, SM_90), 4300, 67, 395, 790, 1580,
                    "our H200 machines: a copy of large memory, and 8192^3 in bf16 by cuBLAS; tf32 and int8 in proportion"),
            new GpuModel("h100", device("NVIDIA H100 80GB HBM3", 90, 132, 79, SM_90), 3350, 67, 494.5, 989.5, 1979, "NVIDIA H100 data sheet (SXM5)"),
            new GpuModel("a100", device("NVIDIA A100-SXM4-80GB", 80, 108, 79, SM_80), 2039, 19.5, 156, 312, 624, "NVIDIA A100 data sheet (80 GB SXM)"),
            new GpuModel("l4", device("NVIDIA L4", 89, 58, 22, SM_89), 300, 30.3, 60, 121, 242.5, "NVIDIA L4 data sheet"),
            new GpuModel("rtx4090", device("NVIDIA GeForce RTX 4090", 89, 128, 23, SM_89), 1008, 82.6, 82.6, 165.2, 660.6, "NVIDIA Ada GPU architecture paper, appendix A"),
            new GpuModel("t4", device("Tesla T4", 75, 40, 15, SM_75), 320, 8.1, 0, 65, 130, "NVIDIA T4 data sheet"));

    private static DeviceInfo device(String name, int capability, int multiprocessors, long gibibytes, int shared) {
        return new DeviceInfo(name, capability / 10, capability % 10, multiprocessors, gibibytes << 30, shared, DRIVER);
    }

    /** All that are known. */
    public static List<GpuModel> rows() {
        return ROWS;
    }

    /** A model by its name. @throws CallerException if there is none */
    public static GpuModel of(String name) {
        return ROWS.stream().filter(g -> g.name.equals(name.toLowerCase(Locale.ROOT))).findFirst().orElseThrow(() -> new CallerException("--gpu", "no such model", name,
                "one of " + ROWS.stream().map(GpuModel::name).collect(Collectors.joining(", ")), "choose one of these"));
    }

    /** The model of a device that is there, by the name that its driver says. */
    public static Optional<GpuModel> of(DeviceInfo device) {
        return ROWS.stream().filter(g -> g.device.name().equals(device.name())).findFirst();
    }

    /**
     * A backend that plans for such a device and computes nothing: memory has addresses and no contents, launches do nothing. Kernels are chosen by rule. @param tf32 whether F32
     * products are to be TF32's
     */
    public CudaBackend onPaper(Tf32 tf32) {
        return new CudaBackend(name, new PaperDriver(device), false, new MatrixOptions(tf32, false, Selection.BY_RULE, Autotune.OFF, ChoiceFile.folder()));
    }

    /**
     * The time that an op cannot be faster than, in microseconds: that of its bytes or that of its operations, whichever is longer.
     *
     * @param kind MATMUL runs at the rate of tensor cores for its type, all else at that of F32
     * @param type of its operands
     * @param tf32 whether F32 products may be TF32's
     */
    public double floor(Cost cost, Accuracy.Kind kind, DType type, boolean tf32) {
        return Math.max(cost.bytes() / bandwidth / 1e3, cost.flops() / rate(kind, type, tf32) / 1e6);
    }

    private double rate(Accuracy.Kind kind, DType type, boolean mayRound) {
        if (kind != Accuracy.Kind.MATMUL) {
            return f32;
        }
        return switch (type) {
            case F16 -> half;
            case BF16 -> tf32 > 0 ? half : f32; // BF16 and TF32 came to tensor cores together, with sm_80
            case I8, U8 -> i8;
            case F32, F64, I32, I64 -> mayRound && tf32 > 0 ? tf32 : f32;
        };
    }

    /** {@code h200: sm_90, 132 SMs, 4800 GB/s, F32 67.0, TF32 494.5, F16 989.5, I8 1979.0 T/s (NVIDIA H200 data sheet (SXM))}. */
    @Override
    public String toString() {
        return String.format(Locale.ROOT, "%s: sm_%d, %d SMs, %.0f GB/s, F32 %.1f, TF32 %.1f, F16 %.1f, I8 %.1f T/s (%s)", name, device.capability(), device.multiprocessors(),
                bandwidth, f32, tf32, half, i8, source);
    }
}

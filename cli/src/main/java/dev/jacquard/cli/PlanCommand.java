package dev.jacquard.cli;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.GpuModel;
import dev.jacquard.kernels.PlanTimer;
import dev.jacquard.passes.FrozenPlans;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.Elements;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.backend.BackendOptions;
import dev.jacquard.tensor.backend.BackendOptions.Tf32;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jacquard plan}: what a network's step consists of on a GPU, which need not be there. */
@Command(name = "plan", description = "Plans a network for a GPU: launches, memory, bytes, FLOPs and the time that these take at best. Without --device nothing is opened: the GPU is one on paper, its "
        + "kernels are chosen by rule. With --device cuda it is planned there, and --explain times each kind of launch.", sortOptions = false)
final class PlanCommand implements Callable<Integer> {
    private static final String PAPER = "h200";

    @Option(names = "--arch", paramLabel = "NAME", required = true, description = "Architecture, see: jacquard models.")
    private String arch;

    @Option(names = {"-b", "--batch"}, paramLabel = "N", description = "Images of a step. Default: ${DEFAULT-VALUE}")
    private int batch = 128;

    @Option(names = "--image-size", paramLabel = "PIXELS", description = "Height and width of images. Default: the architecture's")
    private Integer imageSize;

    @Option(names = "--dtype", paramLabel = "f32|tf32|f16|bf16", description = "What values are stored in; tf32 is f32 with products of fewer bits. Default: ${DEFAULT-VALUE}")
    private String dtype = "f32";

    @Option(names = "--train", description = "A training step instead of inference; with --dtype f16 or bf16 weights stay f32.")
    private boolean train;

    @Option(names = "--gpu", paramLabel = "NAME", description = "GPU whose bandwidth and rates make the floors: h200, h200-measured, h100, a100, l4, rtx4090, t4. Default: the device, or " + PAPER)
    private String gpu;

    @Option(names = "--explain", description = "A line for each kind of launch: its bytes, FLOPs, floor, kernel and time, those that take longest together first.")
    private boolean explain;

    @Option(names = "--csv", paramLabel = "FILE", description = "Write these lines there; the file must not exist.")
    private Path csv;

    @Mixin
    private DeviceOptions devices;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        check();
        BackendOptions usual = BackendOptions.DEFAULT.tf32(dtype.equals("tf32") ? Tf32.ON : Tf32.OFF);
        boolean tf32 = devices.tf32(usual.tf32()) != Tf32.OFF;
        DType type = switch (dtype) {
            case "f32", "tf32" -> DType.F32;
            case "f16" -> DType.F16;
            case "bf16" -> DType.BF16;
            default -> throw new CallerException("--dtype", "no such type", dtype, "f32, tf32, f16 or bf16", "choose one of these");
        };
        GpuModel named = gpu == null ? null : GpuModel.of(gpu);
        PlannedNetwork network = PlannedNetwork.of(arch, batch, imageSize, type, train);
        if (devices.device == null) {
            GpuModel model = named == null ? GpuModel.of(PAPER) : named;
            try (CudaBackend backend = model.onPaper(tf32)) {
                report(network, backend, model, tf32, false);
            }
        } else {
            try (CudaBackend backend = DeviceOptions.cuda(devices.open(usual))) {
                report(network, backend, named != null ? named : backend.model().orElseThrow(() -> new CallerException("--gpu", "unknown device", backend.description(),
                        "one of " + GpuModel.rows().stream().map(GpuModel::name).toList(), "say whose floors are meant")), tf32, explain || csv != null);
            }
        }
        return Main.DONE;
    }

    private void check() {
        devices.check();
        if (batch < 1 || batch > 1 << 16) {
            throw new CallerException("--batch", "out of range", Integer.toString(batch), "1 to 65536", "give another value");
        }
        if (imageSize != null && (imageSize < 1 || imageSize > 1 << 14)) {
            throw new CallerException("--image-size", "out of range", imageSize.toString(), "1 to 16384", "give another value");
        }
        if (csv != null && Files.exists(csv)) {
            throw new CallerException("--csv", "exists already", csv.toString(), "a new file", "remove it, or name another");
        }
        if (csv != null && !Files.isDirectory(csv.toAbsolutePath().getParent())) { // now, not after minutes of measuring
            throw new CallerException("--csv", "no such folder", csv.toString(), "a new file in a folder that exists", "make the folder, or name another");
        }
    }

    private void report(PlannedNetwork network, CudaBackend backend, GpuModel model, boolean tf32, boolean measured) {
        PrintWriter out = spec.commandLine().getOut();
        Graph graph = network.graph(backend);
        List<Variable> variables = graph.variables();
        try (State state = measured ? new State(backend).initialize(variables, 1) : new State(backend).reserve(variables); FrozenPlans frozen = new FrozenPlans(state);
                Plan plan = train ? Plan.of(graph, state) : frozen.of(graph); PlanTimer timer = new PlanTimer(backend)) {
            if (measured) {
                frozen.settle();
                feed(plan);
                plan.run();
                backend.synchronize();
            }
            PlanTable table = PlanTable.of(plan, timer, model, tf32, measured);
            long weights = plan.graph().variables().stream().mapToLong(v -> v.type().bytes()).sum();
            out.printf("%s%s on %s%nfloors of %s%n", network, tf32 ? " with TF32 products" : "", devices.device != null ? backend.description() : model.name() + " on paper, kernels by rule", model);
            out.print(totals(plan, table, weights, model, measured));
            if (explain) {
                out.print(table.text());
            }
            write(table);
        }
    }

    private static String totals(Plan plan, PlanTable table, long weights, GpuModel model, boolean measured) {
        long bytes = weights + plan.arenaBytes();
        String fits = bytes > model.device().memoryBytes() ? "; more than the device has" : "";
        return String.format(Locale.ROOT, """
                launches  %,d of %,d kinds
                memory    %,d bytes of variables, %,d bytes of values%s
                bytes     %,d read and written if each launch touches each operand once
                flops     %,d
                floor     %,.1f us: the sum of each launch's%s
                """, plan.launches(), table.rows().size(), weights, plan.arenaBytes(), fits, table.cost().bytes(), table.cost().flops(), table.floor(),
                measured ? String.format(Locale.ROOT, "%nmeasured  %,.1f us: the sum of each launch's by itself, %.0f %% of it the floor", table.us(), 100 * table.floor() / table.us()) : "");
    }

    /** Numbers to time with: what kernels take does not depend on them, but for zeros, which draw less power and run faster than they should. */
    private static void feed(Plan plan) {
        SplittableRandom random = new SplittableRandom(1);
        plan.inputs().forEach((name, type) -> {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment host = arena.allocate(Math.max(1, type.bytes()), 64);
                for (long i = 0; i < type.shape().size(); i++) {
                    Elements.set(host, type.dtype(), i, value(type, random));
                }
                plan.feed(name, host.asSlice(0, type.bytes()));
            }
        });
    }

    /** Pixels are bytes; other integers are labels and counts, of which 0 is always one. */
    private static double value(TensorType type, SplittableRandom random) {
        return switch (type.dtype()) {
            case U8 -> random.nextInt(256);
            case I8, I32, I64 -> 0;
            case F32, F16, BF16, F64 -> type.shape().rank() == 0 ? 1e-3 : random.nextDouble(-1, 1);
        };
    }

    private void write(PlanTable table) {
        if (csv != null) {
            try {
                Files.write(csv, table.csv());
            } catch (IOException e) {
                throw new DataException("--csv " + csv, "cannot be written", e.toString(), "a folder that exists and a disk with room", "name another file");
            }
        }
    }
}

package dev.jacquard.cli;

import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.GpuModel;
import dev.jacquard.kernels.PlanTimer;
import dev.jacquard.mixedprecision.CastReport;
import dev.jacquard.mixedprecision.MixedPrecision;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.backend.BackendOptions;
import dev.jacquard.tensor.backend.BackendOptions.Tf32;
import dev.jacquard.train.NetworkRun;
import dev.jacquard.train.NetworkStep;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jacquard plan}: what a network's step consists of on a GPU, which need not be there. */
@Command(name = "plan", description = "Plans a network for a GPU: launches, memory, bytes, FLOPs and the time that these take at best. Without --device nothing is opened: the GPU "
        + "is one on paper, its "
        + "kernels are chosen by rule. With --device cuda it is planned there, and --explain times each kind of launch.", sortOptions = false)
final class PlanCommand implements Callable<Integer> {
    private static final String PAPER = "h200";
    /** Compute capability from which on tensor cores have TF32. */
    private static final int TF32_CAPABILITY = 80;

    @Option(names = "--arch", paramLabel = "NAME", required = true, description = "Architecture, see: jacquard models.")
    private String arch;

    @Option(names = {"-b", "--batch"}, paramLabel = "N", description = "Images of a step. Default: ${DEFAULT-VALUE}")
    private int batch = 128;

    @Option(names = "--image-size", paramLabel = "PIXELS", description = "Height and width of images. Default: the architecture's")
    private Integer imageSize;

    @Option(names = "--amp", paramLabel = "off|fp16|bf16", description = "Mixed precision, with weights in f32; inference reads them rounded once. Default: off")
    private String amp;

    @Option(names = "--dtype", paramLabel = "f32|tf32|f16|bf16", description = "Another way to say it: f16 and bf16 are --amp fp16 and bf16, f32 is --tf32 off, tf32 --tf32 on.")
    private String dtype;

    @Option(names = "--train", description = "A training step instead of inference; with --amp fp16 its loss is scaled.")
    private boolean train;

    @Option(names = "--gpu", paramLabel = "NAME", description = "GPU whose bandwidth and rates make the floors: h200, h200-measured, h100, a100, l4, rtx4090, t4. Default: the "
            + "device, or " + PAPER)
    private String gpu;

    @Option(names = "--explain", description = "A line for each kind of launch: its bytes, FLOPs, floor, kernel and time, those that take longest together first.")
    private boolean explain;

    @Option(names = "--casts", description = "A line for each kind of cast between floating types: how many there are, from and to what, the bytes that they read and write, why, "
            + "and of what; before "
            + "a device fuses those of weights into one launch, or, for inference, computes them once.")
    private boolean casts;

    @Option(names = "--csv", paramLabel = "FILE", description = "Write these lines there; the file must not exist.")
    private Path csv;

    @Mixin
    private DeviceOptions devices;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        check();
        MixedPrecision precision = precision();
        BackendOptions usual = BackendOptions.DEFAULT.tf32("f32".equals(dtype) ? Tf32.OFF : Tf32.ON);
        Tf32 tf32 = devices.tf32(usual.tf32());
        GpuModel named = gpu == null ? null : GpuModel.of(gpu);
        NetworkStep network = NetworkStep.of(train ? NetworkStep.Work.TRAIN : NetworkStep.Work.INFER, arch, batch, imageSize == null ? 0 : imageSize, precision);
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

    /** What --amp and --dtype say together. */
    private MixedPrecision precision() {
        if (dtype == null) {
            return Amp.of("--amp", amp == null ? "off" : amp);
        }
        String same = switch (dtype) {
            case "f32", "tf32" -> "off";
            case "f16" -> "fp16";
            case "bf16" -> "bf16";
            default -> throw new CallerException("--dtype", "no such type", dtype, "f32, tf32, f16 or bf16", "choose one of these");
        };
        if (amp != null && !amp.equals(same)) {
            throw new CallerException("--dtype", "not what --amp says", "--dtype " + dtype + " --amp " + amp, "one of them", "leave --dtype out");
        }
        return Amp.of("--amp", same);
    }

    private void report(NetworkStep network, CudaBackend backend, GpuModel model, Tf32 asked, boolean measured) {
        boolean tf32 = asked != Tf32.OFF && backend.model().orElse(model).device().capability() >= TF32_CAPABILITY;
        PrintWriter out = spec.commandLine().getOut();
        try (NetworkRun run = measured ? NetworkRun.of(network, backend) : NetworkRun.planned(network, backend); PlanTimer timer = new PlanTimer(backend)) {
            if (measured) {
                run.enqueue();
                run.synchronize();
            }
            PlanTable table = PlanTable.of(run.plan(), timer, model, tf32, measured);
            String where = devices.device != null ? backend.description() : model.name() + " on paper, kernels by rule" + (backend.emulatesTf32() ? ", TF32 emulated" : "");
            out.printf("%s%s on %s%nfloors of %s%n", network, tf32 && network.precision() == null ? " with TF32 products" : "", where, model);
            out.print(totals(run, table, model, measured));
            if (casts) {
                out.print(CastTable.text(CastReport.of(network.unfused())));
            }
            if (explain) {
                out.print(table.text());
            }
            write(table);
        }
    }

    private static String totals(NetworkRun run, PlanTable table, GpuModel model, boolean measured) {
        long variables = run.variableBytes();
        long values = run.plan().arenaBytes();
        long bytes = variables + values;
        String fits = bytes > model.device().memoryBytes() ? "; more than the device has" : "";
        return String.format(Locale.ROOT, """
                launches  %,d of %,d kinds
                memory    %,d bytes of variables, %,d bytes of values at most at once, %,.2f GiB together%s
                bytes     %,d read and written if each launch touches each operand once
                flops     %,d
                floor     %,.1f us: the sum of each launch's%s
                """, run.plan().launches(), table.rows().size(), variables, values, bytes / 0x1p30, fits, table.cost().bytes(), table.cost().flops(), table.floor(),
                measured ? String.format(Locale.ROOT, "%nmeasured  %,.1f us: the sum of each launch's by itself, %.0f %% of it the floor", table.us(),
                100 * table.floor() / table.us()) : "");
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

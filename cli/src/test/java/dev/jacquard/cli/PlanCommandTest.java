package dev.jacquard.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.emulator.EmulatorDriver;
import dev.jacquard.kernels.CudaBackend;
import dev.jacquard.kernels.GpuModel;
import dev.jacquard.kernels.PlanTimer;
import dev.jacquard.kernels.driver.DeviceInfo;
import dev.jacquard.models.ModelInfo;
import dev.jacquard.models.ModelRow;
import dev.jacquard.models.Models;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.BackendOptions.Tf32;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.op.Accuracy;
import dev.jacquard.tensor.op.Convolution;
import dev.jacquard.tensor.op.MatMul;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import dev.jacquard.train.NetworkStep;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PlanCommandTest {
    /** Bytes and FLOPs of a step at batch 128; {@code -Dupdate} writes it. */
    private static final Path TOTALS = Path.of("src/test/resources/dev/jacquard/cli/plan-totals.txt");
    private static final List<String> NETWORKS = List.of("resnet50", "se-resnext101-32x4d", "efficientnet-b0", "efficientnet-b4");

    @TempDir
    Path folder;

    private record Result(int code, String out, String err) {
        /** The first number of a line. */
        long number(String line, String word) {
            Matcher m = Pattern.compile("(?m)^" + line + " .*?([\\d,]+) ?" + word).matcher(out);
            assertTrue(m.find(), out);
            return Long.parseLong(m.group(1).replace(",", ""));
        }
    }

    private static Result run(String args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.run(("plan " + args).strip().split(" "), new PrintWriter(out), new PrintWriter(err));
        return new Result(code, out.toString(), err.toString());
    }

    private static Result plan(String args) {
        Result r = run(args);
        assertEquals(0, r.code, r.err);
        return r;
    }

    @Test
    void totalsOfTheFourNetworks() throws IOException {
        List<String> lines = new ArrayList<>();
        for (String arch : NETWORKS) {
            for (String how : List.of("", " --train", " --amp fp16", " --train --amp fp16")) {
                Result r = plan("--arch " + arch + how);
                lines.add(arch + how + ": " + r.number("launches", "of") + " launches, " + r.number("bytes", "read") + " bytes, " + r.number("flops", "") + " flops, "
                        + r.number("memory", "bytes of values") + " bytes of memory beside variables");
            }
        }
        if (System.getProperty("update") != null) {
            Files.write(TOTALS, lines);
        }
        assertEquals(Files.readAllLines(TOTALS), lines, "run this test with -Dupdate if this is as it should be");
    }

    @ParameterizedTest
    @ValueSource(strings = {"resnet50", "efficientnet-b0"})
    void productsAreTheMultiplyAddsOfTheRegistry(String arch) {
        ModelRow row = Models.row(arch);
        try (CudaBackend paper = GpuModel.of("h200").onPaper(Tf32.OFF)) {
            long flops = NetworkStep.of(NetworkStep.Work.INFER, arch, 2, 0, null).graph(paper).expand(_ -> true).nodes().stream()
                    .filter(n -> n.op() instanceof Convolution || n.op() instanceof MatMul).mapToLong(n -> dev.jacquard.tensor.graph.Graph.cost(n).flops()).sum();
            assertEquals(2 * 2 * ModelInfo.of(row).macs(), flops);
        }
    }

    @Test
    void everyNetworkIsPlannedForEveryGpu() {
        for (ModelRow row : Models.rows()) {
            Result r = plan("--arch " + row.name() + " --batch 2 --gpu t4 --dtype bf16 --train");
            assertTrue(r.number("flops", "") > 6 * ModelInfo.of(row).macs(), row.name());
        }
        GpuModel.rows().forEach(g -> assertTrue(plan("--arch resnet18 --dtype tf32 --gpu " + g.name()).out.contains(g.source())));
    }

    /** A T4 has no TF32: it multiplies in F32 and says so; where that is asked for, operands are rounded for it. */
    @Test
    void tf32IsSaidOnlyOfGpusThatHaveIt() {
        Result on = plan("--arch resnet18 --gpu t4");
        assertEquals(plan("--arch resnet18 --gpu t4 --tf32 off").out, on.out);
        assertFalse(on.out.contains("TF32 products"), on.out);
        Result emulated = plan("--arch resnet18 --gpu t4 --tf32 emulate --explain");
        assertTrue(emulated.out.contains(", f32 on t4 on paper, kernels by rule, TF32 emulated"), emulated.out);
        assertTrue(emulated.out.contains("round_tf32"), emulated.out);
        assertTrue(plan("--arch resnet18 --gpu a100 --tf32 emulate").out.contains("f32 with TF32 products on a100 on paper, kernels by rule\n"), "it has TF32 itself");
    }

    @Test
    void aLineForEachKindOfLaunchAndItsFloor() throws IOException {
        Path csv = folder.resolve("plan.csv");
        Result r = plan("--arch resnet50 --dtype f32 --explain --csv " + csv);
        List<String> lines = Files.readAllLines(csv);
        assertEquals(r.number("launches", "of") + " launches", lines.stream().skip(1).mapToLong(l -> cell(l, 2)).sum() + " launches");
        assertEquals(r.number("bytes", "read"), lines.stream().skip(1).mapToLong(l -> cell(l, 2) * cell(l, 4)).sum());
        assertEquals(r.number("flops", ""), lines.stream().skip(1).mapToLong(l -> cell(l, 2) * cell(l, 5)).sum());
        assertEquals(lines.size() - 1, r.out.lines().filter(l -> l.contains(" <- ")).count() - 1, "the header has an arrow, too");
        // 2 * 128 * 56^2 * 64 * 64 * 9 operations and 4 for each result, at 67 T/s
        Matcher m = Pattern.compile("(?m)^ +3 +205,668,864 +29\\.698 +443\\.25 math +- +-  convolution_scale_shift pad=1 1 1 1 activation=RELU  f32\\(128,56,56,64\\) "
                + "f32\\(64,3,3,64\\) f32\\(64\\) f32\\(64\\) <- simt: ")
                .matcher(r.out);
        assertTrue(m.find(), r.out);
    }

    /** A number of a line whose first two cells are quoted. */
    private static long cell(String line, int i) {
        return Long.parseLong(line.replaceAll("\"[^\"]*\"", "").split(",")[i]);
    }

    /** Of inference; scales and shifts of normalisations are computed beforehand, and what they follow from is not needed any more. */
    @Test
    void whatFollowsFromWeightsAloneIsNoLaunch() {
        Result r = plan("--arch resnet50 --batch 1 --dtype f16 --explain");
        assertEquals(61, r.number("launches", "of"), "57 and four casts: of images, around the sum of the pool, of logits");
        assertFalse(r.out.contains("rsqrt"), r.out);
        long wide = 2 * 26_560 + 1000; // scale and shift of each normalised channel, and the biases, stay F32
        assertEquals(2 * ModelInfo.of(Models.row("resnet50")).parameters() + 2 * wide, r.number("memory", "bytes of variables"),
        "two for each normalised channel, as gamma and beta were");
    }

    @Test
    void halfTheBytesInHalfPrecision() {
        double ratio = plan("--arch resnet50 --dtype f16").number("bytes", "read") / (double) plan("--arch resnet50").number("bytes", "read");
        assertEquals(0.5, ratio, 0.02, "images are read as F32, and the pool's sum is one of F32");
        assertEquals(plan("--arch resnet50 --train").number("memory", "bytes of variables") + 12, plan("--arch resnet50 --train --amp fp16").number("memory", "bytes of variables"),
                "weights stay F32, and there are the loss scale and its two counters");
    }

    @Test
    void castsAreListedWithTheirReasons() {
        String out = plan("--arch resnet50 --train --amp bf16 --casts --batch 2").out;
        assertTrue(Pattern.compile("(?m)^ +52 f32 to bf16 +[\\d,]+  conv2d computes in bf16; conv2d_backward_data computes in bf16: layer1.0.conv1.weight").matcher(out)
                .find(), out);
        assertTrue(plan("--arch resnet18 --casts --batch 1").out.contains("    0 all "), "none in F32");
    }

    @Test
    void bothWaysToSayIt() {
        assertEquals(plan("--arch resnet18 --train --batch 2 --dtype bf16").out, plan("--arch resnet18 --train --batch 2 --amp bf16").out);
        assertEquals(plan("--arch resnet18 --batch 2 --dtype f32").out, plan("--arch resnet18 --batch 2 --tf32 off").out);
        assertTrue(plan("--arch resnet18 --batch 2").out.contains("with TF32 products"));
    }

    @Test
    void kernelsAreThoseOfTheGpu() {
        assertTrue(plan("--arch resnet50 --dtype f16 --explain --gpu a100").out.contains("<- mma "));
        assertFalse(plan("--arch resnet50 --dtype f16 --explain --gpu t4").out.contains("<- mma "));
    }

    @Test
    void whatDoesNotFitIsSaid() {
        assertTrue(plan("--arch efficientnet-b4 --train --gpu t4").out.contains("more than the device has"));
        assertFalse(plan("--arch efficientnet-b4 --train").out.contains("more than the device has"));
    }

    @ParameterizedTest
    @CsvSource({"--arch resnet51,model: unknown name", "--arch resnet50 --gpu h300,--gpu: no such model", "--arch resnet50 --batch 0,--batch: out of range",
            "--arch resnet50 --batch 70000,--batch: out of range",
            "--arch resnet50 --image-size 0,--image-size: out of range", "--arch resnet50 --dtype f8,--dtype: no such type",
            "--arch resnet50 --device cpu,--device: has no CUDA kernels",
            "--arch resnet50 --device emulator,--gpu: unknown device", "--arch resnet50 --device cuda --libs maybe,--libs: no such value",
            "--arch resnet50 --device cuda --autotune yes,--autotune: no such value",
            "--arch resnet50 --amp f16,--amp: no such value", "--arch resnet50 --dtype f16 --amp bf16,--dtype: not what --amp says",
            "--arch resnet50 --csv pom.xml,--csv: exists already", "--arch resnet50 --libs maybe,--libs: no such value", "--arch resnet50 --autotune yes,--autotune: no such value",
            "--arch resnet50 --threads -5,--threads: out of range", "--arch resnet50 --csv nowhere/plan.csv,--csv: no such folder", "'',Missing required option"})
    void badInputIsOneLine(String args, String message) {
        Result r = run(args);
        assertEquals(2, r.code, r.out);
        assertEquals("", r.out, "nothing is said before it");
        assertTrue(r.err.startsWith("error: " + message) && r.err.indexOf('\n') == r.err.length() - 1, r.err);
    }

    @Test
    void aDeviceIsKnownByTheNameThatItsDriverSays() {
        assertEquals(Optional.of("h200"), GpuModel.of(new DeviceInfo("NVIDIA H200", 9, 0, 132, 1L << 37, 1, 1)).map(GpuModel::name));
        assertEquals(Optional.empty(), GpuModel.of(new DeviceInfo("NVIDIA L40S", 8, 9, 142, 1L << 35, 1, 1)).map(GpuModel::name));
    }

    @Test
    void floorsAreOfTheTypesRate() {
        GpuModel a100 = GpuModel.of("a100");
        dev.jacquard.tensor.op.Cost cost = new dev.jacquard.tensor.op.Cost(2_039_000, 312_000_000_000L);
        assertEquals(1000, a100.floor(cost, Accuracy.Kind.MATMUL, DType.F16, false), 1e-9);
        assertEquals(16_000, a100.floor(cost, Accuracy.Kind.MATMUL, DType.F32, false), 1e-9);
        assertEquals(2000, a100.floor(cost, Accuracy.Kind.MATMUL, DType.F32, true), 1e-9);
        assertEquals(500, a100.floor(cost, Accuracy.Kind.MATMUL, DType.I8, false), 1e-9);
        assertEquals(1, a100.floor(new dev.jacquard.tensor.op.Cost(2_039_000, 1), Accuracy.Kind.ELEMENTWISE, DType.F32, false), 1e-9);
    }

    @Test
    void typesWithoutTensorCoresHaveTheRateOfF32() {
        GpuModel t4 = GpuModel.of("t4");
        dev.jacquard.tensor.op.Cost cost = new dev.jacquard.tensor.op.Cost(1, 8_100_000_000L);
        for (DType type : List.of(DType.BF16, DType.F32)) {
            assertEquals(1000, t4.floor(cost, Accuracy.Kind.MATMUL, type, true), 1e-9);
        }
        assertTrue(t4.floor(cost, Accuracy.Kind.MATMUL, DType.F16, true) < 200);
    }

    @Test
    void onADeviceLaunchesAreTimed() {
        GraphBuilder b = new GraphBuilder(false);
        Tensor x = b.input("x", TensorType.f32(4, 8));
        b.output("y", x.matmul(b.fill(TensorType.f32(8, 4), 0.5)).relu());
        try (CudaBackend emulator = new CudaBackend("emulator", new EmulatorDriver(), false); State state = new State(emulator); Plan plan = Plan.of(b.build(), state);
                PlanTimer timer = new PlanTimer(emulator); Arena arena = Arena.ofConfined()) {
            plan.feed("x", arena.allocate(128, 16));
            plan.run();
            PlanTable table = PlanTable.of(plan, timer, GpuModel.of("h200"), false, true);
            assertEquals(plan.launches(), table.rows().stream().mapToInt(PlanTable.Row::count).sum());
            assertTrue(table.us() > 0 && table.rows().stream().allMatch(r -> r.us() > 0), table.text());
        }
    }
}

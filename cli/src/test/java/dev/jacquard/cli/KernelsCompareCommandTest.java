package dev.jacquard.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.Arithmetic;
import dev.jacquard.kernels.CandidateBench.Outcome;
import dev.jacquard.kernels.CandidateBench.Timing;
import dev.jacquard.kernels.DeviceRates;
import dev.jacquard.tensor.op.Convolution.Conv2d;
import dev.jacquard.tensor.op.Cost;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code jacquard kernels compare}: its cases, its report from times that a test sets, and a run on the emulator, whose times mean nothing. */
class KernelsCompareCommandTest {
    private static final MatrixCase.Sizes NATIVE = new MatrixCase.Sizes(4096, 0, 128);

    @TempDir
    private Path folder;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... flags) {
        List<String> args = new ArrayList<>(List.of("kernels", "compare", "--device", "emulator", "--out", folder.toString()));
        args.addAll(List.of(flags));
        return Main.run(args.toArray(String[]::new), new PrintWriter(out), new PrintWriter(err));
    }

    private List<String> rows() throws IOException {
        return Files.readAllLines(folder.resolve("kernels-candidates.csv"));
    }

    private String summary() throws IOException {
        return Files.readString(folder.resolve("kernels-candidates.md"));
    }

    @Test
    void theCasesAreTheProductsAndTheNetworksDistinctConvolutions() {
        List<MatrixCase> all = MatrixCase.all(NATIVE);
        assertEquals(all.size(), all.stream().map(MatrixCase::name).distinct().count());
        assertEquals(10, all.stream().filter(MatrixCase::showsRate).count());
        assertTrue(all.subList(0, 10).stream().allMatch(MatrixCase::showsRate), "rates first");
        for (String arithmetic : List.of("f16", "tf32")) {
            assertEquals(List.of(23L, 22L, 23L), Stream.of("forward", "backward-data", "backward-weight")
                    .map(p -> all.stream().filter(c -> c.group().equals("resnet50 " + p + " " + arithmetic)).count()).toList());
        }
        assertEquals(7, all.stream().filter(c -> c.group().equals("grouped 3x3 forward f16")).count());
        assertTrue(all.stream().filter(c -> c.group().equals("grouped 3x3 forward f16")).allMatch(c -> ((Conv2d) c.sample().op()).groups() == 32));
        assertEquals("[f16(128, 56, 56, 128), f16(128, 28, 28, 128)]", named("resnet50 backward-weight 56x56x128 to 128, 3x3 stride 2 f16").sample().types().toString());
        assertTrue(all.stream().anyMatch(c -> c.name().equals("efficientnet-b0 forward 28x28x240 to 240, 5x5, 240 groups f16")));
        for (MatrixCase c : all) {
            assertEquals(c.arithmetic().dtype(), c.sample().types().getFirst().dtype(), c.name());
            assertFalse(c.sample().op().infer(c.sample().types()).isEmpty(), c.name());
        }
        for (MatrixCase.Goal g : all.stream().flatMap(c -> c.goals().stream()).toList()) {
            assertTrue(g.rival().isEmpty() || all.stream().anyMatch(c -> c.name().equals(g.rival())), g.rival());
        }
    }

    private static MatrixCase named(String name) {
        return MatrixCase.all(NATIVE).stream().filter(c -> c.name().equals(name)).findFirst().orElseThrow();
    }

    private static CompareReport.Measured measured(String name, Timing... timings) {
        return new CompareReport.Measured(named(name), new Outcome(new Cost(96_000_000, 100_000_000_000L), List.of(timings)), "");
    }

    @Test
    void rowsHaveRatiosAndTheSummaryHasTheGoals() throws IOException {
        String conv = "resnet50 forward 56x56x64 to 64, 3x3 f16";
        try (CompareReport report = new CompareReport(folder, "a device")) {
            report.rates(new DeviceRates(4000, Map.of(Arithmetic.F16, 500.0)));
            report.add(measured("matmul 4096 f16", new Timing("cublas", false, 200, 7, ""), new Timing("wgmma 128x128", true, 250, 7, ""),
                    new Timing("mma 128x128", true, 400, 7, ""),
                    new Timing("simt", true, 4000, 0, ""), new Timing("cublasLt 1", false, Double.NaN, 0, "its results are wrong: got \"1.0\"\nin the place of 2.0")));
            report.add(measured("sparse matmul 4096 f16", new Timing("mma.sp 128x128", true, 125, 7, "")));
            report.add(measured(conv, new Timing("mma 128x64", true, 100, 7, ""), new Timing("cudnn graph 0", false, 400, 7, "")));
            report.add(CompareReport.Measured.left(named("matmul 4096 i8"), "left out: the budget is spent"));
            report.finish();
        }
        List<String> rows = rows();
        assertEquals(CompareReport.HEADER, rows.getFirst());
        assertEquals("\"matmul 4096 f16\",matmul,\"f16(4096, 4096) f16(4096, 4096)\",f16,\"cublas\",library,200.000,7,500.00,480.0,100.0,1.000,1.250,\"\",\"a device\"",
                rows.get(1));
        assertTrue(rows.get(2).contains("\"wgmma 128x128\",own,250.000,7,400.00,384.0,80.0,0.800,1.000,"), rows.get(2));
        assertTrue(rows.get(5).contains("\"cublasLt 1\",library,,0,,,,,,\"its results are wrong: got '1.0' in the place of 2.0\""), rows.get(5));
        assertTrue(rows.get(6).contains(",own,125.000,7,800.00,768.0,160.0,,1.000,"), rows.get(6));
        assertEquals(10, rows.size(), "a header, five, one, two, one");
        String text = summary();
        assertTrue(text.contains("| mma 0.70: 0.50, not met; wgmma 0.85: 0.80, not met | cublasLt 1 |"), text);
        assertTrue(text.contains("| mma.sp 1.40 of matmul 4096 f16: 2.00, met |"), text);
        assertTrue(text.contains("| " + conv + " | mma 128x64: 100.00 us, 1000.0 T/s | 200 % | cudnn graph 0: 400.00 us, 250.0 T/s | **4.00** | 0.70: 4.00, met |"), text);
        assertTrue(text.contains("| products | 1 of 2 | 0.80 | 0.80 | 0 of 2 |") && text.contains("| sparse | 0 of 1 |  |  | 1 of 1 |"), text);
        assertTrue(text.contains("| matmul 4096 i8 | left out: the budget is spent |") && text.contains("- f16 products: 500.0 T/s") && text.contains("- copy: 4000 GB/s"), text);
    }

    @Test
    void aRunOnTheEmulatorMakesNoClaims() throws IOException {
        assertEquals(0, run("--square 64 --rounds 1 --case tf32 --batch 1 --image-size 32 --budget 1e-9".split(" ")), err.toString());
        assertTrue(out.toString().startsWith("emulated: "), out.toString());
        assertTrue(rows().stream().skip(1).allMatch(r -> r.contains("left out: the budget is spent")) && rows().size() > 50, "the first of them, too");
        assertEquals(0, run("--square", "64", "--rounds", "1", "--case", "sparse matmul 64 i8"), err.toString());
        assertTrue(rows().stream().anyMatch(r -> r.startsWith("\"sparse matmul 64 i8\",quantized_sparse_matmul,") && r.contains("\"mma.sp ")), rows().toString());
        assertTrue(summary().contains("mma.sp 1.40 of matmul 64 i8: not measured"), summary());
    }

    @ParameterizedTest
    @ValueSource(strings = {"--square 0", "--square 4095", "--square 32768", "--batch 0", "--rounds 0", "--budget 0", "--budget NaN", "--image-size -1", "--case nonsense",
            "--device cpu", "--device tpu"})
    void badInputIsOneLine(String flags) {
        assertEquals(2, run(flags.split(" ")), err.toString());
        assertEquals(1, err.toString().lines().count(), err.toString());
    }

    @Test
    void aFolderThatCannotBeIsSaid() throws IOException {
        Files.writeString(folder.resolve("kernels-candidates.csv.d"), "");
        folder = folder.resolve("kernels-candidates.csv.d");
        assertEquals(2, run("--case", "tf32", "--budget", "1e-9"));
        assertTrue(err.toString().contains("--out") && err.toString().lines().count() == 1, err.toString());
    }
}

package dev.jacquard.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.catalog.Catalog;
import dev.jacquard.kernels.catalog.KernelRow;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelsCommandTest {
    private record Result(int code, String out, String err) {}

    private static Result run(String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.run(args, new PrintWriter(out), new PrintWriter(err));
        return new Result(code, out.toString(), err.toString());
    }

    private static Result passing(String... args) {
        Result r = run(args);
        assertEquals(0, r.code, r.out + r.err);
        assertEquals("", r.err);
        return r;
    }

    @Test
    void everyKernelIsListed() {
        String all = passing("kernels", "list").out;
        String occupancy = passing("kernels", "occupancy").out;
        for (KernelRow k : Catalog.kernels()) {
            assertTrue(all.contains("    " + k.symbol() + " ") && occupancy.contains("\n" + k.symbol() + " "), k.symbol());
        }
    }

    @Test
    void aContractIsPrintedWhole() {
        String module = Catalog.modules().getFirst();
        String out = passing("kernels", "list", module, "--contract").out;
        Catalog.contract(module).fields().values().forEach(lines -> lines.forEach(l -> assertTrue(out.contains(l), l)));
    }

    @Test
    void occupancyFollowsTheBlock() {
        KernelRow k = Catalog.kernels().getFirst();
        assertFalse(passing("kernels", "occupancy", k.symbol()).out.equals(passing("kernels", "occupancy", k.symbol(), "--shared", "40000").out));
    }

    @Test
    void aWorkloadRunsOnTheEmulator() {
        String out = passing("kernels", "run", "affine(", "--dtype", "bf16").out;
        assertTrue(out.contains("Jacquard emulator") && out.contains("<<<(") && out.contains(" ms\n") && out.contains("mean "), out);
        assertFalse(out.contains("f16:") && !out.contains("bf16:"), out);
    }

    @Test
    void benchWritesRowsAndMakesNoClaimsOnTheEmulator(@TempDir Path folder) throws IOException {
        Path csv = folder.resolve("rows.csv");
        String[] bench = {"kernels", "bench", "affine(", "--dtype", "f32", "--batch", "1", "--repeats", "1", "--flush", "1", "--csv", csv.toString()};
        assertTrue(passing(bench).out.startsWith("emulated: "));
        List<String> lines = Files.readAllLines(csv);
        assertEquals("device,batch,op,kernels,dtype,bytes,us,gb_per_s,copy_us,percent_of_copy", lines.getFirst());
        assertTrue(lines.get(1).contains("affine_f32,f32," + 2 * 4 * 56 * 56 * 64 + ","), lines.get(1));
        assertEquals(2, lines.size());
        Result again = run(bench);
        assertEquals(2, again.code);
        assertTrue(again.err.contains("exists already"), again.err);
    }

    @Test
    void benchKeepsToItsBudget(@TempDir Path folder) throws IOException {
        Path csv = folder.resolve("rows.csv");
        String out = passing("kernels", "bench", "affine(", "--batch", "1", "--repeats", "1", "--flush", "1", "--budget", "1e-9", "--csv", csv.toString()).out;
        assertTrue(out.contains("the budget is spent: 1 of 1 workloads are left out"), out);
        assertEquals(1, Files.readAllLines(csv).size());
    }

    @Test
    void mistakesAreOneLine() {
        for (String args : new String[] {"kernels list nonsense", "kernels run nonsense", "kernels run --device cpu", "kernels run --dtype f64", "kernels bench --batch 0",
                "kernels bench --budget 0", "kernels check nonsense( --dtype f32", "selftest --only nothing", "selftest --device nowhere", "bundle --format zip"}) {
            Result r = run(args.split(" "));
            assertEquals(2, r.code, args + ": " + r.err);
            assertTrue(r.err.startsWith("error: ") && r.err.indexOf('\n') == r.err.length() - 1, args + ": " + r.err);
        }
    }

    @Test
    void selftestIsATableAndAnExitCode() {
        String out = passing("selftest", "--device", "cpu", "--only", "ops", "--case", "cpu softmax(").out;
        assertTrue(out.contains("softmax") && out.contains("all 1 ops") && out.endsWith("selftest passed\n"), out);
    }

    @Test
    void aStepOfEachFamilyIsCompared() {
        String out = passing("selftest", "--device", "cpu", "--only", "training").out;
        assertTrue(out.contains("\nresnet ") && out.contains("\nse-resnext ") && out.contains("\nefficientnet "), out);
    }
}

package dev.jacquard.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.backend.BackendOptions;
import dev.jacquard.tensor.backend.BackendOptions.Autotune;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code jacquard bench} beside a worker that answers as PyTorch's would. */
class BenchCommandTest {
    @TempDir
    private Path folder;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... more) {
        List<String> args = new java.util.ArrayList<>(List.of("bench", "--device", "cpu", "--out", folder.toString(), "--seconds", "0.001", "--networks", "efficientnet-b0",
                "--image-size", "32", "--batch", "2"));
        args.addAll(List.of(more));
        return Main.run(args.toArray(String[]::new), new PrintWriter(out), new PrintWriter(err));
    }

    /** A worker in sh: twelve and a half milliseconds, whatever it is; it cannot do cudagraph. */
    private Path worker() throws IOException {
        return Files.writeString(folder.resolve("worker.sh"), """
                while read -r question rest; do
                    echo "$question $rest" >> "%s"
                    case "$question $rest" in
                        hello*) echo ok fake 1.0 ;;
                        limits*) echo "ok copy=1 GB/s;matmul=2 GFLOP/s" ;;
                        *cudagraph*) echo no such mode ;;
                        time*) echo ok 12.5 12.0 13.0 ;;
                        memory*) echo ok 1073741824 ;;
                        *) echo ok ;;
                    esac
                done
                """.formatted(folder.resolve("asked")));
    }

    private List<String[]> rows() throws IOException {
        return Files.readAllLines(folder.resolve("networks.csv")).stream().skip(1).map(l -> l.split(",", -1)).toList();
    }

    @Test
    void sidesTakeTurnsAndTheRatioIsTheirMedians() throws IOException {
        assertEquals(0, run("--pytorch", worker().toString(), "--python", "sh", "--precisions", "fp32", "--work", "infer", "--modes", "eager,cudagraph"), err.toString());
        List<String[]> rows = rows();
        assertEquals(List.of("jacquard", "pytorch eager"), rows.stream().map(r -> r[5]).toList());
        assertEquals("12.5000", rows.get(1)[6]);
        assertEquals(12.5 / Double.parseDouble(rows.get(0)[6]), Double.parseDouble(rows.get(1)[10]), 0.02);
        assertEquals(3, Files.readAllLines(folder.resolve("asked")).stream().filter(q -> q.startsWith("time")).count(), "one per round");
        assertTrue(Files.readAllLines(folder.resolve("asked")).contains("prepare infer efficientnet-b0 eager fp32 2 32"));
        String summary = Files.readString(folder.resolve("networks.md"));
        assertTrue(summary.contains("fake 1.0") && summary.contains("- matmul=2 GFLOP/s") && summary.contains("pytorch eager 12.500 ms"), summary);
    }

    @Test
    void whatOneSideCannotDoIsARowThatSaysSo() throws IOException {
        assertEquals(0, run("--pytorch", worker().toString(), "--python", "sh", "--precisions", "tf32", "--work", "train", "--modes", "cudagraph"), err.toString());
        List<String[]> rows = rows();
        assertTrue(rows.get(0)[5].equals("jacquard") && rows.get(0)[6].isEmpty() && row(rows, 0).contains("no TF32"), row(rows, 0));
        assertTrue(rows.get(1)[5].equals("pytorch cudagraph") && String.join(",", rows.get(1)).contains("such mode"), String.join(",", rows.get(1)));
    }

    @Test
    void halfPrecisionTrainsAndPredicts() throws IOException {
        assertEquals(0, run("--precisions", "bf16,fp16"), err.toString());
        List<String[]> rows = rows();
        assertEquals(List.of("train fp16", "train bf16", "infer fp16", "infer bf16"), rows.stream().map(r -> r[0] + " " + r[4]).toList());
        assertTrue(rows.stream().allMatch(r -> Double.parseDouble(r[6]) > 0 && Double.parseDouble(r[9]) > 0), out.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"no-such-python", "false"})
    void aWorkerThatDoesNotStartLeavesAnEarlierReportAlone(String python) throws IOException {
        Files.writeString(folder.resolve("networks.csv"), "of yesterday");
        assertEquals(2, run("--pytorch", worker().toString(), "--python", python));
        assertTrue(err.toString().startsWith("error: --pytorch: does not start") && err.toString().lines().count() == 1, err.toString());
        assertEquals("of yesterday", Files.readString(folder.resolve("networks.csv")));
    }

    /** A worker that answers all questions but one. @param instead what it does at that one, in sh */
    private Path worker(String question, String instead) throws IOException {
        return Files.writeString(folder.resolve("odd.sh"), """
                while read -r question rest; do
                    case "$question" in
                        %s) %s ;;
                        time) echo ok 12.5 ;;
                        memory) echo ok 1 ;;
                        *) echo ok ;;
                    esac
                done
                """.formatted(question, instead));
    }

    private static String row(List<String[]> rows, int i) {
        return String.join(",", rows.get(i));
    }

    @Test
    void linesThatAreNoAnswersAreNotTakenForThem() throws IOException {
        String worker = worker("prepare", "echo 'okay, compiling ...'; echo warning: TF32 is off; echo ok").toString();
        assertEquals(0, run("--pytorch", worker, "--python", "sh", "--precisions", "fp32", "--work", "infer", "--modes", "eager"), err.toString());
        assertEquals("12.5000", rows().get(1)[6]);
    }

    @ParameterizedTest
    @CsvSource({"time,echo ok fast,no figures: 'fast'", "prepare,exit 1,the process has ended", "drop,exit 1,"})
    void aWorkerThatFailsCostsItsOwnRowsOnly(String question, String instead, String why) throws IOException {
        assertEquals(0, run("--pytorch", worker(question, instead).toString(), "--python", "sh", "--precisions", "fp32", "--work", "infer", "--modes", "eager"), err.toString());
        List<String[]> rows = rows();
        assertEquals(List.of("jacquard", "pytorch eager"), rows.stream().map(r -> r[5]).toList());
        assertTrue(Double.parseDouble(rows.getFirst()[6]) > 0, row(rows, 0));
        assertTrue(why == null ? rows.get(1)[6].equals("12.5000") : row(rows, 1).contains(why), row(rows, 1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"echo ok", "echo ok 1.5 NaN", "echo ok 1.5 0", "echo ok 1,5"})
    void timesAreNumbersAboveZero(String answer) throws Exception {
        try (PyTorchWorker worker = new PyTorchWorker("sh", worker("time", answer), "cpu", folder.resolve("log")); BenchContender eager =
                worker.prepare(BenchCase.all().getFirst(), "eager")) {
            assertTrue(assertThrows(UncheckedIOException.class, () -> eager.time(1)).getMessage().contains("no figures: '"));
            assertEquals(1, eager.memoryBytes(), "the next answer is the next question's");
        }
    }

    @Test
    void aWorkerThatDoesNotAnswerIsEnded() throws Exception {
        try (PyTorchWorker worker = new PyTorchWorker("sh", worker("time", "sleep 600"), "cpu", folder.resolve("log"), Duration.ofSeconds(1));
                BenchContender eager = worker.prepare(BenchCase.all().getFirst(), "eager")) {
            assertTrue(assertThrows(UncheckedIOException.class, () -> eager.time(1)).getMessage().contains("the process has ended"));
        }
    }

    @Test
    void aSpentBudgetLeavesRowsThatSaySo() throws IOException {
        assertEquals(0, run("--precisions", "fp32", "--budget", "1"), err.toString());
        assertTrue(rows().stream().allMatch(r -> String.join(",", r).contains("budget")));
    }

    @Test
    void eachPrecisionHasItsArithmetic() {
        assertEquals(BackendOptions.Tf32.OFF, BenchCommand.options("fp32").tf32());
        assertTrue(List.of("tf32", "fp16", "bf16").stream().allMatch(p -> BenchCommand.options(p).tf32() == BackendOptions.Tf32.ON), "as PyTorch's worker sets it");
        assertTrue(BenchCase.PRECISIONS.stream().allMatch(p -> BenchCommand.options(p).autotune() == Autotune.DEFAULT && BenchCommand.options(p).libraries()));
        assertEquals(List.of(224, 224, 224, 380), BenchCase.NETWORKS.stream().map(BenchCase::px).toList());
    }

    @ParameterizedTest
    @ValueSource(strings = {"--precisions fp8", "--modes fast", "--work play", "--networks vgg", "--pytorch nowhere.py", "--budget 0", "--batch -1", "--device tpu"})
    void badInputIsOneLine(String flags) {
        assertEquals(2, run(flags.split(" ")));
        assertEquals(1, err.toString().lines().count(), err.toString());
    }
}

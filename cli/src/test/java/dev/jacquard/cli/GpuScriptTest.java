package dev.jacquard.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code bench/gpu/run.sh} with a bundle that only writes down what it is asked. */
class GpuScriptTest {
    private static final int TEN_MINUTES = 600;

    @TempDir
    private Path folder;

    private static Path script() {
        Path root = Path.of("").toAbsolutePath();
        while (!Files.isRegularFile(root.resolve("bench/gpu/run.sh"))) {
            root = root.getParent();
        }
        return root.resolve("bench/gpu/run.sh");
    }

    /** @param failing command that the bundle refuses @return the exit code */
    private int run(String failing) throws IOException, InterruptedException {
        Path bundle = Files.createDirectories(folder.resolve("bundle"));
        Path out = Files.createDirectories(folder.resolve("out"));
        Path program = Files.writeString(bundle.resolve("jacquard"), """
                #!/bin/sh
                echo "$@" >> %s
                case "$*" in "%s"*) exit 1;; esac
                """.formatted(folder.resolve("asked"), failing));
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        ProcessBuilder b = new ProcessBuilder("bash", script().toString(), bundle.toString(), out.toString(), "--seconds", "0.1")
                .redirectErrorStream(true).redirectOutput(folder.resolve("log").toFile());
        b.environment().put("PYTHON", "false");
        return b.start().waitFor();
    }

    @Test
    void candidatesThenKernelsThenNetworksInTenMinutes() throws IOException, InterruptedException {
        assertEquals(0, run("nothing"), Files.readString(folder.resolve("log")));
        List<String> asked = Files.readAllLines(folder.resolve("asked"));
        assertEquals(3, asked.size());
        assertTrue(asked.get(0).startsWith("kernels compare --device cuda"), asked.toString());
        assertTrue(asked.get(1).startsWith("kernels bench --device cuda") && asked.get(2).startsWith("bench --device cuda"), asked.toString());
        assertTrue(asked.get(2).endsWith("--seconds 0.1"), "flags are those of the networks");
        double budgets = asked.stream().mapToDouble(a -> Double.parseDouble(a.replaceFirst(".*--budget (\\d+).*", "$1"))).sum();
        Matcher limits = Pattern.compile("(?m)^(?:part \\S+|timeout) (\\d+) ").matcher(Files.readString(script()));
        int most = limits.results().mapToInt(r -> Integer.parseInt(r.group(1))).sum();
        assertTrue(budgets < most && most < TEN_MINUTES, budgets + " s of budgets, at most " + most + " s");
    }

    @Test
    void aPartThatFailsKeepsTheOthersFromNothing() throws IOException, InterruptedException {
        for (String failing : List.of("kernels compare", "kernels bench", "bench")) {
            Files.deleteIfExists(folder.resolve("asked"));
            assertEquals(1, run(failing), failing);
            assertEquals(3, Files.readAllLines(folder.resolve("asked")).size(), failing);
            assertTrue(Files.readString(folder.resolve("log")).contains("FAILED"), failing);
        }
    }
}

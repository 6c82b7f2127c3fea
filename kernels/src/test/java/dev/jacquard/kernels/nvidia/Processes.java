package dev.jacquard.kernels.nvidia;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/**
 * Processes of the tests that load native libraries: a library is loaded once in a process, and a broken one may end it.
 *
 * @param folder for what they leave; its folder "good" has the libraries that a case uses unless it says otherwise
 * @param main what is started, with a step per argument; says "step -> result" in a line
 */
record Processes(Path folder, Class<?> main) {
    /** What a process said, by step. */
    record Said(Map<String, String> steps, String all) {
        String of(String step) {
            return steps.getOrDefault(step, "nothing; all: " + all);
        }
    }

    /** A process to be. */
    final class Case {
        private final Map<String, String> environment = new TreeMap<>();
        final List<String> flags = new ArrayList<>();
        String classPath = System.getProperty("java.class.path");
        /** For the property; null leaves it unset, so that the machine's own driver is found. */
        private Path libraries = folder.resolve("good");
        Path temporary;

        Case set(String name, String value) {
            environment.put(name, value);
            return this;
        }

        Case libraries(Path from) {
            libraries = from;
            return this;
        }

        Process start(String... steps) throws IOException {
            temporary = temporary == null ? Files.createTempDirectory(folder, "tmp") : temporary;
            List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx64m", "-XX:TieredStopAtLevel=1",
                    "-XX:+UseSerialGC", "-XX:-CreateCoredumpOnCrash", "-XX:ErrorFile=" + temporary.resolve("crash.log"), "-Djava.io.tmpdir=" + temporary));
            command.addAll(libraries == null ? List.of() : List.of("-D" + Libraries.PROPERTY + "=" + libraries));
            command.addAll(flags.contains("--illegal-native-access=deny") ? List.of() : List.of("--enable-native-access=ALL-UNNAMED"));
            command.addAll(flags);
            command.addAll(List.of("-cp", classPath, main.getName()));
            command.addAll(List.of(steps));
            ProcessBuilder builder = new ProcessBuilder(command).directory(temporary.toFile()).redirectErrorStream(true);
            builder.environment().keySet().removeIf(k -> k.startsWith("DUMMY_") || k.startsWith("CUDA_") || k.startsWith("NVTX_"));
            builder.environment().putAll(environment);
            return builder.start();
        }

        /** Runs it; it must end well and leave nothing but what was in its temporary folder before. */
        Said run(String... steps) throws Exception {
            Process p = start(steps);
            List<String> before = names(temporary);
            Said said = said(p);
            assertEquals(before, names(temporary), said.all);
            return said;
        }
    }

    static Said said(Process p) throws Exception {
        String all = new String(p.getInputStream().readAllBytes());
        assertTrue(p.waitFor(60, TimeUnit.SECONDS), "does not end");
        assertEquals(0, p.exitValue(), all);
        assertFalse(all.contains("NOT TYPED"), all);
        Map<String, String> steps = new TreeMap<>();
        all.lines().filter(l -> l.contains(" -> ")).forEach(l -> steps.put(l.substring(0, l.indexOf(" -> ")), l.substring(l.indexOf(" -> ") + 4)));
        return new Said(steps, all);
    }

    static List<String> names(Path in) throws IOException {
        try (Stream<Path> all = Files.list(in)) {
            return all.map(p -> p.getFileName().toString()).filter(n -> !n.startsWith("hsperfdata")).sorted().toList();
        }
    }

    static void assertContains(String text, String... parts) {
        for (String part : parts) {
            assertTrue(text.contains(part), () -> "no \"" + part + "\" in: " + text);
        }
    }

    static void gcc(String source, Path to, String... flags) throws Exception {
        Files.createDirectories(to.getParent());
        List<String> command = new ArrayList<>(List.of("gcc", "-O2", "-shared", "-fPIC", "-Wl,-soname," + to.getFileName(), "-o", to.toString(),
                Path.of("src/test/c", source).toAbsolutePath().toString()));
        command.addAll(List.of(flags));
        Process p;
        try {
            p = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException e) {
            Assumptions.abort("not run: no gcc to build the stand-ins for NVIDIA's libraries (" + e.getMessage() + ")");
            return;
        }
        String said = new String(p.getInputStream().readAllBytes());
        assertEquals(0, p.waitFor(), said);
    }
}

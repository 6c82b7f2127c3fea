package dev.jacquard.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** How the Vector API is found, and what runs where something is missing, in JVMs of their own. */
class VectorModuleTest {
    /** Prints what was chosen. */
    public static final class Main {
        private Main() {}

        /** For the JVM. */
        public static void main(String[] args) {
            Kernels.get();
            System.out.println(Kernels.get().describe());
        }
    }

    private record Output(String out, String err) {}

    private static Output java(List<String> flags) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(flags);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
        Path err = Files.createTempFile("jacquard", ".err");
        try {
            Process p = new ProcessBuilder(command).redirectError(err.toFile()).start();
            String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertEquals(0, p.waitFor(), () -> out);
            return new Output(out.strip(), Files.readString(err));
        } finally {
            Files.delete(err);
        }
    }

    /** The flags in the launcher's one line of them. */
    private static List<String> launcherFlags() throws IOException {
        Path root = Path.of("").toAbsolutePath();
        while (!Files.exists(root.resolve("mvnw"))) {
            root = root.getParent();
        }
        String line = Files.readAllLines(root.resolve("jacquard")).stream().filter(l -> l.startsWith("flags='")).findFirst().orElseThrow();
        return Arrays.asList(line.substring("flags='".length(), line.length() - 1).split(" "));
    }

    @Test
    void theLauncherFindsItAndTheJvmSaysNothing() throws Exception {
        List<String> flags = new ArrayList<>(launcherFlags());
        flags.add("-Djacquard.cpu.kernels=vector");
        Output o = java(flags);
        assertTrue(o.out().startsWith("Vector API"), o::toString);
        assertEquals("", o.err());
    }

    @Test
    void theDocumentedFlagFindsItToo() throws Exception {
        assertTrue(java(List.of("-Djacquard.cpu.kernels=vector", "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED")).out().startsWith("Vector API"));
    }

    @Test
    void withoutEitherThereAreScalarLoopsAndTheReason() throws Exception {
        Output o = java(List.of("-Djacquard.cpu.refuse-code=true", "--enable-native-access=ALL-UNNAMED"));
        assertTrue(o.out().toLowerCase(java.util.Locale.ROOT).contains("scalar"), o::toString);
        assertTrue(o.err().contains("--add-modules jdk.incubator.vector"), o::toString);
    }

    @Test
    void whereCodeIsRefusedTheVectorApiRunsAndSaysSoOnce() throws Exception {
        Output o = java(List.of("-Djacquard.cpu.refuse-code=true", "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"));
        assertTrue(o.out().startsWith("Vector API"), o::toString);
        assertEquals(2, o.err().split("no emitted AVX-512 code", -1).length, o::toString);
        assertTrue(o.err().contains("refused by -Djacquard.cpu.refuse-code"), o::toString);
    }

    @Test
    void whatIsForcedAndDoesNotRunIsAnErrorWithTheReason() throws Exception {
        Process p = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Djacquard.cpu.refuse-code=true", "-Djacquard.cpu.kernels=emitted",
                "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"), Main.class.getName()).redirectErrorStream(true).start();
        String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(1, p.waitFor(), out);
        assertTrue(out.contains("DeviceException") && out.contains("refused by -Djacquard.cpu.refuse-code"), out);
    }
}

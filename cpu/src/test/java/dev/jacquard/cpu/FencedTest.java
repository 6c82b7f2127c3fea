package dev.jacquard.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.jacquard.cpu.x64.Emission;
import dev.jacquard.cpu.x64.InstructionSet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Emitted kernels on memory that ends, or begins, at a page which may not be touched; in processes of their own, as one that is touched ends them. Longer hunts: run the mains. */
class FencedTest {
    @TempDir
    private Path folder;

    @BeforeAll
    static void onlyHere() {
        Assumptions.assumeTrue(System.getProperty("os.name").equals("Linux") && Stream.of(InstructionSet.values()).allMatch(s -> Emission.refusal(s).isEmpty()),
                "no such instructions here");
    }

    private void run(int expected, Class<?> main, Object... arguments) throws IOException, InterruptedException {
        Path ran = folder.resolve("ran.txt");
        Path said = folder.resolve("said.txt");
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-Xmx1g", "-XX:-CreateCoredumpOnCrash", "-XX:ErrorFile=" + folder.resolve("crash.txt"), "-cp", System.getProperty("java.class.path"), main.getName(),
                ran.toString()));
        Stream.of(arguments).forEach(a -> command.add(a.toString()));
        int rc = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile()).start().waitFor();
        String message = String.format(Locale.ROOT, "%s ended with %d at %s%n%s", main.getSimpleName(), rc, Files.exists(ran) ? Files.readString(ran) : "its start",
                Files.readString(said));
        if (expected == 0) {
            assertEquals(0, rc, message);
        } else {
            assertNotEquals(0, rc, message);
        }
    }

    /** Reads one float too many. */
    static final class TooFar {
        public static void main(String[] args) {
            Fence.Side side = Fence.Side.valueOf(args[1]);
            try (Fence f = new Fence(400, side, 4)) {
                Raw.get(f.address + (side == Fence.Side.END ? 396 : 0));
                Raw.get(f.address + (side == Fence.Side.END ? 400 : -4));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void whoGoesTooFarIsEnded(Fence.Side side) throws Exception {
        run(1, TooFar.class, side);
    }

    @Test
    void opsOfTheSweep() throws Exception {
        run(0, FencedSweep.class, 7);
    }

    @Test
    void randomConvolutions() throws Exception {
        run(0, ConvFuzz.class, 300, 40, 300_000);
    }

    @Test
    void randomProducts() throws Exception {
        run(0, ProductFuzz.class, 300, 40, 200_000);
    }
}

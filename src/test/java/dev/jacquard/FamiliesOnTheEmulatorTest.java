package dev.jacquard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.cli.Main;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A training step of a small network of each family, through the plan, the CUDA backend and its PTX on an emulated device, equals the CPU's; and the CPU's equals the reference's.
 */
class FamiliesOnTheEmulatorTest {
    private record Ran(int code, String out) {}

    private static Ran selftest(String... options) {
        StringWriter out = new StringWriter();
        String[] args = new String[options.length + 1];
        args[0] = "selftest";
        System.arraycopy(options, 0, args, 1, options.length);
        int code = Main.run(args, new PrintWriter(out), new PrintWriter(out));
        return new Ran(code, out.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"emulator", "cpu"})
    void aTrainingStepOfEachFamilyAgrees(String device) {
        Ran r = selftest("--device", device, "--only", "training");
        assertEquals(0, r.code, r.out);
        for (String family : new String[] {"resnet", "se-resnext", "efficientnet"}) {
            assertTrue(r.out.contains("\n" + family + " "), r.out);
        }
    }

    /** Without a GPU the exit code says that it is the machine's fault; with one, the whole selftest is another job's. */
    @Test
    void aDeviceThatIsNotThereIsNotAPass() {
        Ran r = selftest("--device", "cuda:99");
        assertEquals(2, r.code, r.out);
    }
}

package dev.jacquard.cpu;

import dev.jacquard.cpu.x64.EmittedSimd;
import dev.jacquard.cpu.x64.InstructionSet;
import dev.jacquard.tck.Sweep;
import dev.jacquard.tensor.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The op sweep by emitted code of both kinds on {@link FencedBackend fenced} memory. */
final class FencedSweep {
    private FencedSweep() {}

    /** Arguments: a file that says what runs, in case the process ends; of how many checks to take one, for each instruction set and side of the fence another. */
    public static void main(String[] args) {
        Path ran = Path.of(args[0]);
        int every = Integer.parseInt(args[1]);
        int failed = 0;
        for (int way = 0; way < 4; way++) {
            InstructionSet set = InstructionSet.values()[way / 2];
            try (FencedBackend backend = new FencedBackend(new CpuBackend(2, new EmittedSimd(set), Optional.of(set)), Fence.Side.values()[way % 2])) {
                List<Sweep.Check> checks = new Sweep(backend, List.of(DType.F32, DType.BF16), 20260417L).forward((_, _) -> {}).toList();
                for (int i = way % every; i < checks.size(); i += every) {
                    failed += run(checks.get(i), set, ran) ? 0 : 1;
                }
            }
        }
        System.exit(failed > 0 ? 1 : 0);
    }

    private static boolean run(Sweep.Check check, InstructionSet set, Path ran) {
        try {
            Files.writeString(ran, set + " " + check.name());
            check.body().run();
            return true;
        } catch (AssertionError e) {
            System.out.println(set + " " + e.getMessage());
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

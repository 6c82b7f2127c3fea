package dev.jacquard.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.jacquard.kernels.catalog.Catalog;
import dev.jacquard.kernels.catalog.KernelRow;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The committed table of what ptxas says: complete, and nothing in it spills. */
class PtxasTableTest {
    private static final int REGISTERS_OF_A_BLOCK = 64 << 10;

    @Test
    void everyKernelIsInTheTableAndNothingElse() {
        Set<String> kernels = Catalog.kernels().stream().map(k -> k.module() + "," + k.symbol()).collect(Collectors.toCollection(TreeSet::new));
        Set<String> rows = SourceTree.read("ptx/ptxas.csv").lines().skip(1).map(l -> l.split(",")[0] + "," + l.split(",")[1]).collect(Collectors.toCollection(TreeSet::new));
        assertFalse(kernels.isEmpty(), "no kernel in kernels/ptx");
        assertEquals(kernels, rows, "kernels/ptx/ptxas.csv: run kernels/build");
    }

    @Test
    void nothingSpillsAndNothingNeedsAStack() {
        List<String> wrong = new ArrayList<>();
        for (KernelRow k : Catalog.kernels()) {
            if (k.needs().isEmpty()) {
                wrong.add(k.symbol() + ": no device can run it");
            }
            k.needs().forEach((device, n) -> {
                if (n.spills() != 0 || n.stack() != 0) {
                    wrong.add(k.symbol() + " on " + device + ": " + n.stack() + " bytes of stack, " + n.spills() + " bytes of spills; use fewer live values or a smaller block");
                }
            });
        }
        SourceTree.assertNone("kernels that keep values in local memory", wrong);
    }

    @Test
    void everyBlockFitsOnAMultiprocessor() {
        List<String> wrong = new ArrayList<>();
        for (KernelRow k : Catalog.kernels()) {
            if (k.threads() == 0) {
                wrong.add(k.symbol() + ": no .maxntid: begin it with KERNEL(threads)");
            }
            k.needs().forEach((device, n) -> {
                if (n.registers() * k.threads() > REGISTERS_OF_A_BLOCK) {
                    wrong.add(k.symbol() + " on " + device + ": " + n.registers() + " registers x " + k.threads() + " threads");
                }
            });
        }
        SourceTree.assertNone("kernels that cannot be launched", wrong);
    }
}

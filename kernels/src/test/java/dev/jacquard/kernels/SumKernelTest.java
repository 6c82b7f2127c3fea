package dev.jacquard.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.SumKernel.Pass;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Reduction.Sum;
import java.util.List;
import org.junit.jupiter.api.Test;

/** How sums are cut into passes and parts; that kernels then add up right is the TCK's. */
class SumKernelTest {
    @Test
    void neighbouringAxesAreOnePass() {
        assertEquals(List.of(new Pass(1, 105, 33)), SumKernel.passes(Sum.over(0, 1, 2), Shape.of(3, 5, 7, 33)));
        assertEquals(List.of(new Pass(3, 35, 17)), SumKernel.passes(Sum.over(1, 2), Shape.of(3, 5, 7, 17)));
        assertEquals(List.of(new Pass(6, 5, 1)), SumKernel.passes(Sum.over(-1), Shape.of(2, 3, 5)));
        assertEquals(List.of(new Pass(1, 30, 1)), SumKernel.passes(Sum.over(0, 1, 2), Shape.of(2, 3, 5)));
    }

    @Test
    void axesOfOneElementAreNobodys() {
        assertEquals(List.of(new Pass(1, 6, 5)), SumKernel.passes(Sum.over(0, 2), Shape.of(2, 1, 3, 5)));
        assertEquals(List.of(new Pass(2, 3, 5)), SumKernel.passes(Sum.over(2), Shape.of(2, 1, 3, 1, 5)));
        assertEquals(List.of(new Pass(1, 1, 10)), SumKernel.passes(Sum.over(1), Shape.of(2, 1, 5)));
        assertEquals(List.of(new Pass(1, 1, 1)), SumKernel.passes(Sum.over(), Shape.scalar()));
    }

    @Test
    void separateAxesAreSummedFromTheLastOn() {
        assertEquals(List.of(new Pass(12, 5, 1), new Pass(1, 3, 4)), SumKernel.passes(Sum.over(0, 2), Shape.of(3, 4, 5)));
        assertEquals(List.of(new Pass(30, 7, 11), new Pass(2, 3, 55)), SumKernel.passes(Sum.over(1, 3), Shape.of(2, 3, 5, 7, 11)));
    }

    @Test
    void partsCoverEachTermOnce() {
        for (long outer : new long[] {1, 7, 64, 5000}) {
            for (long length : new long[] {1, 8, 9, 49, 1024, 1025, 4096, 12545, 3_211_264}) {
                for (long inner : new long[] {1, 3, 17, 64, 264, 2048}) {
                    Pass p = new Pass(outer, length, inner);
                    long chunk = p.chunk(p.parts());
                    assertTrue(p.parts() * chunk >= length && (p.parts() - 1) * chunk < length, () -> p + " in " + p.parts() + " parts of " + chunk);
                }
            }
        }
    }

    @Test
    void fewResultsOfManyTermsAreCutIntoEnoughBlocksForADevice() {
        assertTrue(new Pass(1, 256 * 56 * 56, 64).parts() > 500);
        assertTrue(new Pass(1, 256L * 56 * 56 * 64, 1).parts() > 500);
        assertEquals(1, new Pass(256, 49, 2048).parts());
        assertEquals(1, new Pass(1, 8, 2048).parts());
    }

    @Test
    void tilesCoverTheColumns() {
        for (long inner : new long[] {2, 3, 16, 17, 64, 100, 264, 1000, 2048}) {
            for (int width : new int[] {4, 8}) {
                Pass p = new Pass(1, 100, inner);
                long packs = inner % width == 0 ? inner / width : inner;
                assertTrue(p.across(width) <= 32 && p.tiles(width) * p.across(width) >= packs && (p.tiles(width) - 1) * p.across(width) < packs, () -> inner + " by " + width);
            }
        }
    }

    @Test
    void scratchHoldsPartsAndIntermediateResults() { // whatever the device is: results must not depend on it
        SumKernel kernel = new SumKernel();
        assertEquals(0, kernel.workspace(Sum.over(1, 2), List.of(TensorType.f32(256, 7, 7, 2048)), null));
        Pass p = new Pass(1, 256 * 56 * 56, 64);
        assertEquals(p.parts() * 64 * Float.BYTES, kernel.workspace(Sum.over(0, 1, 2), List.of(TensorType.f32(256, 56, 56, 64)), null));
    }
}

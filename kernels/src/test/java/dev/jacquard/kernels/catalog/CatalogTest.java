package dev.jacquard.kernels.catalog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.CallerException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class CatalogTest {
    @Test
    void trafficIsArithmetic() {
        Traffic t = Traffic.parse("bn_stats: read n*c*T, write 2*b*c*4");
        assertEquals(List.of("bn_stats"), t.kernels());
        assertEquals(Set.of("n", "c", "b"), t.names());
        assertEquals(2 * 3 * 2, t.readBytes(Map.of("n", 2L, "c", 3L, "b", 5L), 2));
        assertEquals(2 * 5 * 3 * 4, t.writeBytes(Map.of("n", 2L, "c", 3L, "b", 5L), 2));
        assertEquals(12, Traffic.parse("a: read (n + 2) * T / 2 - 3 - 1, write 1").readBytes(Map.of("n", 6L), 4));
        assertEquals(0, Traffic.parse("a: write n").readBytes(Map.of("n", 6L), 4));
        assertEquals(6, Traffic.parse("a: write n, read 2; the rest stays in the cache").writeBytes(Map.of("n", 6L), 4));
    }

    @Test
    void trafficThatIsNoneIsRefused() {
        for (String bad : new String[] {"read n", "a: n*T", "a: read", "a: read n T", "a: read (n", "a: read n, read n", "a: read 2n", "a: maybe read n", "a: read n*, write n"}) {
            assertThrows(IllegalArgumentException.class, () -> Traffic.parse(bad), bad);
        }
        assertTrue(assertThrows(IllegalArgumentException.class, () -> Traffic.parse("a: read n*m").readBytes(Map.of("n", 1L), 4)).getMessage().contains("'m'"));
    }

    @Test
    void theClosestTrafficLineHolds() {
        List<Traffic> lines = List.of(Traffic.parse("un_*: read 1"), Traffic.parse("un_exp, un_log: read 2"), Traffic.parse("un_e*: read 3"), Traffic.parse("copy: read 4"));
        assertEquals("1", Traffic.of(lines, "un_abs_f32").orElseThrow().read());
        assertEquals("2", Traffic.of(lines, "un_log_bf16").orElseThrow().read());
        assertEquals("3", Traffic.of(lines, "un_erf_f16").orElseThrow().read());
        assertEquals("4", Traffic.of(lines, "copy_f32_nondeterministic").orElseThrow().read());
        assertTrue(Traffic.of(lines, "sum_f32").isEmpty());
    }

    @Test
    void contractsAreFieldsWithMoreLines() {
        Contract c = Contract.parse("x", "// x.cu\n// Math         y = x\n// Launch       grid n, block 32 x 8; tail: block (16, 16, 2), smem 0\n// Traffic      a: read n\n//     "
                + "         b: write n\n// CPU twin     none\ncode\n// Math   no");
        assertEquals(List.of("read", "write"), List.of(c.traffic().get(0).read().equals("n") ? "read" : "", c.traffic().get(1).write().equals("n") ? "write" : ""));
        assertEquals(Set.of(256, 512), c.blocks());
        assertTrue(c.problems().contains("no field Numerics"));
        assertThrows(IllegalArgumentException.class, () -> Contract.parse("y", "// x.cu\n"));
        assertThrows(IllegalArgumentException.class, () -> Contract.parse("x", "// x.cu\n// prose\n"));
    }

    /** Values of NVIDIA's occupancy calculator. */
    @Test
    void occupancyIsAsNvidiaCalculatesIt() {
        assertEquals("sm_80 100 % (8 blocks, threads)", Occupancy.of("sm_80", 256, 32, 0).toString());
        assertEquals("sm_80 75 % (6 blocks, registers)", Occupancy.of("sm_80", 256, 40, 0).toString());
        assertEquals("sm_75 100 % (4 blocks, threads)", Occupancy.of("sm_75", 256, 64, 0).toString());
        assertEquals("sm_80 38 % (3 blocks, shared)", Occupancy.of("sm_80", 256, 32, 48 << 10).toString());
        assertEquals("sm_90a 50 % (32 blocks, blocks)", Occupancy.of("sm_90a", 32, 32, 0).toString());
    }

    @Test
    void kernelsAreFoundBySymbolStemModuleAndPattern() {
        KernelRow first = Catalog.kernels().getFirst();
        for (String name : new String[] {first.symbol(), Traffic.stem(first.symbol()), first.module(), first.module().substring(0, 3) + "*"}) {
            assertTrue(Catalog.kernels(name).contains(first), name);
        }
        assertThrows(CallerException.class, () -> Catalog.kernels("nonsense"));
    }
}

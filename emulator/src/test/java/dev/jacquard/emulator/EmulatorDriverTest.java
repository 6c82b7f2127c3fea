package dev.jacquard.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.DriverException.Kind;
import dev.jacquard.kernels.driver.FunctionInfo;
import dev.jacquard.tensor.backend.BackendProvider;
import dev.jacquard.tensor.backend.Backends;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** What {@link dev.jacquard.kernels.driver.Driver} promises, but for kernels' contents. */
class EmulatorDriverTest {
    private final Rig rig = new Rig(EmulatorOptions.DEFAULT, "instructions.ptx");
    private final EmulatorDriver driver = rig.driver;

    @AfterEach
    void close() {
        rig.close();
    }

    private static void refused(Kind kind, String words, Executable call) {
        DriverException e = assertThrows(DriverException.class, call);
        assertEquals(kind, e.kind(), e.getMessage());
        assertTrue(e.getMessage().contains(words), e.getMessage());
    }

    @Test
    void copiesAndFills() {
        long x = rig.upload(1, 2, 3, 4);
        long y = driver.allocate(16);
        driver.fill(y, (byte) 1, 16, rig.stream);
        driver.copy(y + 4, x, 8, rig.stream);
        assertArrayEquals(new int[] {0x01010101, 1, 2, 0x01010101}, rig.ints(y, 4));
        driver.copy(x + 4, x, 12, rig.stream); // overlapping
        assertArrayEquals(new int[] {1, 1, 2, 3}, rig.ints(x, 4));
        assertEquals(0, x % 256);
    }

    @Test
    void pinnedMemory() {
        MemorySegment host = driver.allocatePinned(64);
        host.setAtIndex(ValueLayout.JAVA_INT, 3, 7);
        long x = driver.allocate(64);
        driver.copyToDevice(x, host, rig.stream);
        assertEquals(7, rig.ints(x, 16)[3]);
        driver.freePinned(host);
        refused(Kind.OTHER, "not pinned", () -> driver.freePinned(host));
    }

    @Test
    void graphsReplayWithTheParametersTheyWereMadeWith() {
        long x = rig.upload(1f, 2f, 3f, 4f);
        long y = driver.allocate(16);
        driver.fill(y, (byte) 0, 16, rig.stream);
        driver.beginCapture(rig.stream);
        rig.launch("copy4", 1, 32, 0, x, y, 1);
        driver.copy(x + 4, x, 4, rig.stream);
        refused(Kind.OTHER, "allocate is not permitted while a stream is being captured", () -> driver.allocate(4));
        refused(Kind.OTHER, "synchronize is not permitted", () -> driver.synchronize(rig.stream));
        refused(Kind.OTHER, "loadModule is not permitted", () -> driver.loadModule("m", new byte[0]));
        long graph = driver.endCapture(rig.stream);
        assertArrayEquals(new float[4], rig.floats(y, 4), "nothing has been done yet");
        driver.launchGraph(graph, rig.stream);
        assertArrayEquals(new float[] {1, 2, 3, 4}, rig.floats(y, 4));
        driver.launchGraph(graph, rig.stream);
        assertArrayEquals(new float[] {1, 1, 3, 4}, rig.floats(y, 4));
        driver.destroyGraph(graph);
        refused(Kind.OTHER, "no such graph", () -> driver.launchGraph(graph, rig.stream));
    }

    @Test
    void events() {
        long a = driver.createEvent(true);
        long b = driver.createEvent(true);
        refused(Kind.OTHER, "have not been recorded", () -> driver.milliseconds(a, b));
        driver.record(a, rig.stream);
        driver.record(b, rig.stream);
        driver.await(rig.stream, b);
        driver.synchronizeEvent(b);
        assertTrue(driver.milliseconds(a, b) >= 0);
        driver.destroyEvent(a);
        refused(Kind.OTHER, "no such event", () -> driver.milliseconds(a, b));
    }

    @Test
    void modules() {
        refused(Kind.NOT_FOUND, "no kernel none", () -> rig.function("none"));
        refused(Kind.INVALID_PTX, "PTX line 1", () -> driver.loadModule("m", "nonsense".getBytes(StandardCharsets.UTF_8)));
        String unknown = ".version 8.0\n.target sm_75\n.address_size 64\n.visible .entry k() {\n.reg .b32 %r<2>;\nfrobnicate.b32 %r0, %r1;\nret;\n}";
        long m = driver.loadModule("m", unknown.getBytes(StandardCharsets.UTF_8));
        refused(Kind.INVALID_PTX, "module m, kernel k: PTX line 6: the emulator does not know frobnicate.b32 %r0, %r1", () -> driver.function(m, "k"));
        driver.unloadModule(m);
        refused(Kind.OTHER, "no such module", () -> driver.function(m, "k"));
        assertEquals(new FunctionInfo(0, 32, 0, 1024), driver.info(rig.function("block_sum")));
        assertEquals(rig.function("votes"), rig.function("votes"));
    }

    @Test
    void moduleVariablesTakeMemoryUntilTheModuleGoes() {
        long free = driver.freeMemory();
        String text = ".version 8.0\n.target sm_75\n.address_size 64\n.global .align 4 .u32 x[100] = {1, 2};\n";
        long m = driver.loadModule("m", text.getBytes(StandardCharsets.UTF_8));
        assertEquals(free - 400, driver.freeMemory());
        driver.unloadModule(m);
        assertEquals(free, driver.freeMemory());
    }

    @Test
    void launchesThatADriverRefuses() {
        refused(Kind.OTHER, "block of [1025, 1, 1]", () -> rig.launch("parts", 1, 1025, 0, 0L, 1));
        refused(Kind.OTHER, "block of [0, 1, 1]", () -> rig.launch("parts", 1, 0, 0, 0L, 1));
        refused(Kind.OTHER, "grid of [0, 1, 1]", () -> rig.launch("parts", 0, 1, 0, 0L, 1));
        refused(Kind.OTHER, "cannot have 300000 bytes", () -> driver.maxDynamicShared(rig.function("parts"), 300_000));
        refused(Kind.OTHER, "no such stream", () -> driver.fill(0, (byte) 0, 1, 999));
    }

    @Test
    void closedDriver() {
        driver.close();
        refused(Kind.OTHER, "closed", () -> driver.allocate(4));
    }

    @Test
    void deviceInWords() {
        assertEquals("Jacquard emulator, sm_90, 132 SMs, 8.0 GiB, driver for CUDA 13.0", driver.device().toString());
    }

    @Test
    void foundByNameButNotByAuto() {
        BackendProvider p = Backends.providers().stream().filter(x -> x.name().equals("emulator")).findFirst().orElseThrow();
        assertFalse(p.automatic());
        assertTrue(p.unavailable().isEmpty());
        try (var backend = Backends.open("emulator", 0)) {
            assertEquals("emulator", backend.name());
        }
    }
}

package dev.jacquard.tensor.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** Machine code where it can run, and where it is refused. */
class CodeMemoryTest {
    private static final byte[] FORTY_TWO = HexFormat.of().parseHex("b82a000000c3"); // mov $42, %eax; ret

    @Test
    @SuppressWarnings("restricted") // a downcall
    void codeRunsAndItsPagesCannotBeWritten() throws Throwable {
        MemorySegment entry = place();
        assertEquals(42, (int) Linker.nativeLinker().downcallHandle(entry, FunctionDescriptor.of(ValueLayout.JAVA_INT)).invokeExact());
        assertEquals("r-xp", permissions(entry.address()));
    }

    private static MemorySegment place() {
        try {
            return CodeMemory.place(FORTY_TWO);
        } catch (CodeMemory.Refused e) {
            assumeTrue(false, "skipped: " + e.getMessage());
            throw e;
        }
    }

    /** Of the page at an address, as Linux lists them: {@code 7f0000000000-7f0000001000 r-xp ...}. */
    private static String permissions(long address) throws IOException {
        return Files.readAllLines(Path.of("/proc/self/maps")).stream().map(l -> l.split("[- ]", 3))
                .filter(f -> Long.parseUnsignedLong(f[0], 16) <= address && address < Long.parseUnsignedLong(f[1], 16)).findFirst().orElseThrow()[2].split(" ")[0];
    }

    @Test
    void aPropertyRefusesIt() {
        assumeTrue(CodeMemory.isFor(), "skipped: refused anyway");
        System.setProperty(CodeMemory.REFUSE, "true");
        try {
            assertTrue(assertThrows(CodeMemory.Refused.class, () -> CodeMemory.place(FORTY_TWO)).getMessage().contains("refused by -D" + CodeMemory.REFUSE));
        } finally {
            System.clearProperty(CodeMemory.REFUSE);
        }
    }
}

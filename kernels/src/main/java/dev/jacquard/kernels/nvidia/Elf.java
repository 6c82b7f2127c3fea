package dev.jacquard.kernels.nvidia;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;

/**
 * Looks at a shared library without loading it. The system's loader maps a file by what its header promises: in one that was cut short it reads beyond the end, and the
 * process dies of SIGBUS.
 */
final class Elf {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int MAGIC = 0x464c457f;
    private static final int HEADER_BYTES = 64;
    private static final int SEGMENT_BYTES = 56;
    private static final int LOAD = 1;
    private static final short X86_64 = 62;

    private Elf() {}

    /** What is wrong with a file as a library for this process; null if nothing is. */
    static String problem(Path file) {
        try (FileChannel in = FileChannel.open(file); Arena arena = Arena.ofConfined()) {
            return problem(in.map(MapMode.READ_ONLY, 0, in.size(), arena));
        } catch (IOException e) {
            return "cannot be read: " + e;
        }
    }

    /** The same for a library's content. */
    static String problem(MemorySegment b) {
        long size = b.byteSize();
        if (size < HEADER_BYTES) {
            return "is cut short: it has " + size + " bytes";
        }
        if (b.get(INT, 0) != MAGIC || b.get(ValueLayout.JAVA_BYTE, 4) != 2 || b.get(ValueLayout.JAVA_BYTE, 5) != 1 || b.get(SHORT, 18) != X86_64) {
            return "is no library for 64-bit x86";
        }
        long programs = b.get(LONG, 32);
        int programBytes = b.get(SHORT, 54);
        int programCount = b.get(SHORT, 56);
        long sections = b.get(LONG, 40);
        long end = Math.max(programs + (long) programBytes * programCount, sections + (long) b.get(SHORT, 58) * b.get(SHORT, 60));
        for (int i = 0; i < programCount && end <= size; i++) {
            long at = programs + (long) i * programBytes;
            if (at < 0 || at + SEGMENT_BYTES > size) {
                return "is cut short, or no library: it has " + size + " bytes";
            }
            if (b.get(INT, at) == LOAD) {
                end = Math.max(end, b.get(LONG, at + 8) + b.get(LONG, at + 32));
            }
        }
        return end > size ? "is cut short: it has " + size + " of " + end + " bytes" : null;
    }
}

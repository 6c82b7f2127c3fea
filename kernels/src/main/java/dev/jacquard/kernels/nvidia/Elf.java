package dev.jacquard.kernels.nvidia;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Looks at a shared library without loading it. The system's loader maps a file by what its header promises: in one that was cut short it reads beyond the end, and the
 * process dies of SIGBUS.
 */
final class Elf {
    private static final int MAGIC = 0x464c457f;
    private static final int HEADER_BYTES = 64;
    private static final int SEGMENT_BYTES = 56;
    private static final int LOAD = 1;
    private static final short X86_64 = 62;

    private Elf() {}

    /** What is wrong with a file as a library for this process; null if nothing is. */
    static String problem(Path file) {
        try (FileChannel in = FileChannel.open(file)) {
            ByteBuffer head = ByteBuffer.allocate((int) Math.min(in.size(), 4096));
            while (head.hasRemaining() && in.read(head) >= 0) {
                // A file may be given in parts.
            }
            return problem(head.flip(), Files.size(file));
        } catch (IOException e) {
            return "cannot be read: " + e;
        }
    }

    /** The same for a file of so many bytes that begins like this. */
    static String problem(ByteBuffer head, long size) {
        ByteBuffer b = head.slice().order(ByteOrder.LITTLE_ENDIAN);
        if (b.remaining() < HEADER_BYTES) {
            return "is cut short: it has " + size + " bytes";
        }
        if (b.getInt(0) != MAGIC || b.get(4) != 2 || b.get(5) != 1 || b.getShort(18) != X86_64) {
            return "is no library for 64-bit x86";
        }
        long programs = b.getLong(32);
        long sections = b.getLong(40);
        long end = Math.max(programs + (long) b.getShort(54) * b.getShort(56), sections + (long) b.getShort(58) * b.getShort(60));
        for (int i = 0; i < b.getShort(56); i++) {
            long at = programs + (long) i * b.getShort(54);
            if (at < 0 || at + SEGMENT_BYTES > b.remaining()) {
                return "is cut short: it has " + size + " bytes";
            }
            if (b.getInt((int) at) == LOAD) {
                end = Math.max(end, b.getLong((int) at + 8) + b.getLong((int) at + 32));
            }
        }
        return end > size ? "is cut short: it has " + size + " of " + end + " bytes" : null;
    }
}

package dev.jacquard.kernels.nvidia;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Renames a library that a 64-bit little-endian ELF library depends on. JCublas2 asks for {@code libcublas.so.12} and for symbols of a version of that name;
 * {@code libcublas.so.13} has the same functions under a version of its own name, so a symbolic link would not do. Name and version are one string of the dynamic string table; the
 * hash of the version is set anew.
 */
final class ElfRename {
    private static final int LOAD = 1;
    private static final int DYNAMIC = 2;
    private static final long STRINGS = 5;
    private static final long STRINGS_BYTES = 10;
    private static final long NEEDED_VERSIONS = 0x6ffffffe;
    private static final long NEEDED_VERSIONS_COUNT = 0x6fffffff;

    private record Segment(long address, long offset, long bytes) {}

    private final byte[] content;
    private final ByteBuffer elf;
    private final List<Segment> segments = new ArrayList<>();
    private int strings;
    private long stringsBytes;
    private int versions;
    private long versionCount;

    private ElfRename(byte[] content) {
        this.content = content;
        this.elf = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
        read();
    }

    /**
     * A copy of a library that depends on another name.
     *
     * @param from name it depends on
     * @param to name of equal length
     * @throws IllegalArgumentException if it does not depend on it, or the lengths differ
     */
    static byte[] rename(byte[] library, String from, String to) {
        if (from.equals(to)) {
            return library;
        }
        if (from.length() != to.length()) {
            throw new IllegalArgumentException("the names " + from + " and " + to + " differ in length");
        }
        ElfRename copy = new ElfRename(library.clone());
        copy.renameString(terminated(from), terminated(to));
        copy.rehash(to);
        return copy.content;
    }

    private void read() {
        int table = Math.toIntExact(elf.getLong(32));
        int dynamic = 0;
        long dynamicBytes = 0;
        for (int i = 0; i < elf.getShort(56); i++) {
            int at = table + i * elf.getShort(54);
            if (elf.getInt(at) == LOAD) {
                segments.add(new Segment(elf.getLong(at + 16), elf.getLong(at + 8), elf.getLong(at + 32)));
            } else if (elf.getInt(at) == DYNAMIC) {
                dynamic = Math.toIntExact(elf.getLong(at + 8));
                dynamicBytes = elf.getLong(at + 32);
            }
        }
        for (int at = dynamic; at < dynamic + dynamicBytes; at += 16) {
            long tag = elf.getLong(at);
            long value = elf.getLong(at + 8);
            if (tag == STRINGS) {
                strings = offset(value);
            } else if (tag == STRINGS_BYTES) {
                stringsBytes = value;
            } else if (tag == NEEDED_VERSIONS) {
                versions = offset(value);
            } else if (tag == NEEDED_VERSIONS_COUNT) {
                versionCount = value;
            }
        }
    }

    /** Where in the file an address of the loaded library is. */
    private int offset(long address) {
        return segments.stream().filter(s -> address >= s.address && address < s.address + s.bytes).mapToInt(s -> Math.toIntExact(address - s.address + s.offset)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no segment has address " + address));
    }

    private void renameString(byte[] from, byte[] to) {
        int found = 0;
        for (int i = strings + 1; i + from.length <= strings + stringsBytes; i++) {
            if (content[i - 1] == 0 && Arrays.equals(content, i, i + from.length, from, 0, from.length)) {
                System.arraycopy(to, 0, content, i, to.length);
                found++;
            }
        }
        if (found == 0) {
            throw new IllegalArgumentException("it does not depend on " + new String(from, 0, from.length - 1, StandardCharsets.ISO_8859_1));
        }
    }

    private void rehash(String name) {
        byte[] wanted = terminated(name);
        int need = versions;
        for (int i = 0; i < versionCount; i++, need += elf.getInt(need + 12)) {
            int entry = need + elf.getInt(need + 8);
            for (int j = 0; j < elf.getShort(need + 2); j++, entry += elf.getInt(entry + 12)) {
                int text = strings + elf.getInt(entry + 8);
                if (Arrays.equals(content, text, text + wanted.length, wanted, 0, wanted.length)) {
                    elf.putInt(entry, hash(name));
                }
            }
        }
    }

    /** The System V ABI's hash of a symbol's or version's name. */
    static int hash(String name) {
        int h = 0;
        for (byte c : name.getBytes(StandardCharsets.ISO_8859_1)) {
            h = (h << 4) + c;
            int high = h & 0xf0000000;
            h = (h ^ high >>> 24) & ~high;
        }
        return h;
    }

    private static byte[] terminated(String s) {
        return (s + "\0").getBytes(StandardCharsets.ISO_8859_1);
    }
}

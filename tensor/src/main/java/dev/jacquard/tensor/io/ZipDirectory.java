package dev.jacquard.tensor.io;

import dev.jacquard.tensor.DataException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where the entries of a zip file lie, for archives whose entries are stored as they are: PyTorch's. Names and sizes are those of the central directory; each entry's own header
 * must name the same entry, and no two may share a byte. What such an archive never has (compression, encryption, a comment, several disks, a name twice) is refused rather than
 * interpreted: every leniency of a zip reader is a way to show one file to the checker and another to the reader. Compression is refused last, by {@link #requireStored}, so that
 * the caller may know a foreign kind of archive by its names.
 *
 * <p>Written out because the JDK's reader tells neither where an entry's bytes begin nor that a name occurs twice. The format is PKWARE's APPNOTE 6.3.
 *
 * @param entries by name, in the directory's order
 * @param compressed name of the first entry that is compressed or encrypted
 */
record ZipDirectory(Map<String, Entry> entries, Optional<String> compressed) {
    private static final int END = 0x06054b50;
    private static final int END_BYTES = 22;
    private static final int LOCATOR_64 = 0x07064b50;
    private static final int LOCATOR_64_BYTES = 20;
    private static final int END_64 = 0x06064b50;
    private static final int END_64_BYTES = 56;
    private static final int CENTRAL = 0x02014b50;
    private static final int CENTRAL_BYTES = 46;
    private static final int LOCAL = 0x04034b50;
    private static final int LOCAL_BYTES = 30;
    private static final int ENCRYPTED = 1;
    private static final int STORED = 0;
    /** In a field of 32 bits: the number is in the extra field of zip64. */
    private static final long ELSEWHERE = 0xffff_ffffL;
    private static final int EXTRA_64 = 1;
    /** A thousand times what a large network's file has. */
    private static final int MAX_BYTES = 16 << 20;
    private static final int MAX_NAME = 1024;
    private static final String REMEDY = "the file is damaged or was not written by torch.save; write it again";

    /** The bytes of an entry. @param begin position in the file @param size in bytes */
    record Entry(long begin, long size) {
        long end() {
            return begin + size;
        }
    }

    /** Reads the directory at the end of a file. @throws DataException if it, or a header that it points to, is not as described above */
    static ZipDirectory read(String file, FileChannel channel) throws IOException {
        return new Reader(file, channel).directory();
    }

    /** Refuses an archive with compressed or encrypted entries. */
    void requireStored(String file) {
        if (compressed.isPresent()) {
            throw new DataException(file, "zip entry " + FileErrors.quote(compressed.get()) + " is compressed or encrypted", "a packed archive",
                    "entries stored as they are, as torch.save does", REMEDY);
        }
    }

    /** What an entry's own header must repeat of the directory. */
    private record Header(byte[] name, int method, int encrypted) {
        String quoted() {
            return FileErrors.quote(new String(name, StandardCharsets.UTF_8));
        }
    }

    private static final class Reader {
        private final String file;
        private final FileChannel channel;
        /** Where the directory begins: entries end before. */
        private long begin;
        private String compressed;

        Reader(String file, FileChannel channel) {
            this.file = file;
            this.channel = channel;
        }

        ZipDirectory directory() throws IOException {
            ByteBuffer directory = centralDirectory();
            Map<String, Entry> entries = new LinkedHashMap<>();
            List<Entry> whole = new ArrayList<>();
            while (directory.hasRemaining()) {
                entry(directory, entries, whole);
            }
            checkOverlaps(whole);
            return new ZipDirectory(Collections.unmodifiableMap(entries), Optional.ofNullable(compressed));
        }

        private ByteBuffer centralDirectory() throws IOException {
            long fileSize = channel.size();
            if (fileSize < END_BYTES) {
                throw bad("truncated file", fileSize + " bytes", "at least " + END_BYTES + ", the end of a zip file");
            }
            long at = fileSize - END_BYTES;
            ByteBuffer end = bytes(at, END_BYTES);
            if (end.getInt(0) != END || end.getShort(20) != 0) {
                throw bad("no zip directory at the end of the file", "other bytes", "the directory, without a comment");
            }
            long disks = end.getInt(4);
            long count = u16(end, 10);
            long size = u32(end, 12);
            begin = u32(end, 16);
            if (disks != 0 || u16(end, 8) != count) {
                throw bad("zip of several disks", "disk " + u16(end, 4), "one file");
            }
            boolean elsewhere = count == 0xffff || size == ELSEWHERE || begin == ELSEWHERE;
            if (elsewhere || at >= LOCATOR_64_BYTES + END_64_BYTES && bytes(at - LOCATOR_64_BYTES, LOCATOR_64_BYTES).getInt(0) == LOCATOR_64) {
                at = end64(at);
                ByteBuffer end64 = bytes(at, END_64_BYTES);
                count = wide(count, 0xffff, end64.getLong(32));
                size = wide(size, ELSEWHERE, end64.getLong(40));
                begin = wide(begin, ELSEWHERE, end64.getLong(48));
            }
            if (size < 0 || size > MAX_BYTES || begin < 0 || begin != at - size || count < 0 || count > size / CENTRAL_BYTES) {
                throw bad("zip directory out of range", count + " entries in " + size + " bytes from byte " + begin, "at most " + MAX_BYTES + " bytes that end at byte " + at);
            }
            return bytes(begin, (int) size);
        }

        /** A number of the smaller end record, or that of the larger one if the smaller says so; else both must be the same. */
        private long wide(long small, long elsewhere, long large) {
            if (small != elsewhere && small != large) {
                throw bad("zip directory with two ends", small + " and " + large, "the same numbers in both end records");
            }
            return large;
        }

        /** Position of the larger end record, which the locator before the smaller one points to. */
        private long end64(long endAt) throws IOException {
            long locatorAt = endAt - LOCATOR_64_BYTES;
            long at = locatorAt - END_64_BYTES;
            if (at < 0 || bytes(locatorAt, LOCATOR_64_BYTES).getInt(0) != LOCATOR_64) {
                throw bad("zip directory out of range", "sizes beyond 32 bits and no zip64 record", "the zip64 record before the end");
            }
            if (bytes(locatorAt, LOCATOR_64_BYTES).getLong(8) != at || bytes(at, END_64_BYTES).getInt(0) != END_64) {
                throw bad("zip64 record out of place", "none at byte " + at, "it right before its locator");
            }
            return at;
        }

        private void entry(ByteBuffer d, Map<String, Entry> entries, List<Entry> whole) throws IOException {
            int at = d.position();
            if (d.remaining() < CENTRAL_BYTES || d.getInt(at) != CENTRAL) {
                throw bad("malformed zip directory", "no entry at byte " + (begin + at), "entries to the end");
            }
            int nameBytes = u16(d, at + 28);
            int extraBytes = u16(d, at + 30);
            int length = CENTRAL_BYTES + nameBytes + extraBytes + u16(d, at + 32);
            if (length > d.remaining() || nameBytes == 0 || nameBytes > MAX_NAME) {
                throw bad("malformed zip directory", "an entry of " + length + " bytes with a name of " + nameBytes, "one within the directory, with a name of 1 to " + MAX_NAME);
            }
            byte[] name = new byte[nameBytes];
            d.get(at + CENTRAL_BYTES, name);
            String text = new String(name, StandardCharsets.UTF_8);
            int encrypted = u16(d, at + 8) & ENCRYPTED;
            int method = u16(d, at + 10);
            boolean stored = encrypted == 0 && method == STORED;
            compressed = stored || compressed != null ? compressed : text;
            long[] numbers = {u32(d, at + 24), u32(d, at + 20), u32(d, at + 42)}; // In the order of the extra field: size, stored size, position.
            wide(numbers, d.slice(at + CENTRAL_BYTES + nameBytes, extraBytes).order(ByteOrder.LITTLE_ENDIAN), text);
            if (stored && numbers[0] != numbers[1]) {
                throw bad("zip entry " + FileErrors.quote(text) + " with two sizes", numbers[0] + " and " + numbers[1] + " bytes", "the same, nothing being compressed");
            }
            Entry e = located(numbers[2], numbers[1], new Header(name, method, encrypted));
            if (entries.put(text, e) != null) {
                throw bad("duplicate zip entry", FileErrors.quote(text), "each name once");
            }
            whole.add(new Entry(numbers[2], e.end() - numbers[2]));
            d.position(at + length);
        }

        /** Replaces the numbers that say to be in the extra field of zip64. */
        private void wide(long[] numbers, ByteBuffer extra, String name) {
            boolean needed = numbers[0] == ELSEWHERE || numbers[1] == ELSEWHERE || numbers[2] == ELSEWHERE;
            while (needed && extra.remaining() >= 4) {
                int id = extra.getShort() & 0xffff;
                int size = extra.getShort() & 0xffff;
                if (size > extra.remaining()) {
                    break;
                }
                int end = extra.position() + size;
                for (int i = 0; id == EXTRA_64 && i < numbers.length; i++) {
                    if (numbers[i] == ELSEWHERE && extra.position() + Long.BYTES <= end) {
                        numbers[i] = extra.getLong();
                    }
                }
                extra.position(end);
            }
            for (long n : numbers) {
                if (n < 0 || n > Long.MAX_VALUE / 4) {
                    throw bad("zip entry " + FileErrors.quote(name) + " out of range", Long.toUnsignedString(n), "a size and a position within the file");
                }
            }
        }

        /** Follows the directory to the entry's own header, after which its bytes begin. */
        private Entry located(long headerAt, long size, Header h) throws IOException {
            if (headerAt > begin - LOCAL_BYTES - h.name.length) {
                throw bad("zip entry " + h.quoted() + " out of range", "its header at byte " + headerAt, "one before the directory at byte " + begin);
            }
            ByteBuffer header = bytes(headerAt, LOCAL_BYTES + h.name.length);
            byte[] own = new byte[h.name.length];
            header.get(LOCAL_BYTES, own);
            boolean same = u16(header, 26) == h.name.length && Arrays.equals(own, h.name) && u16(header, 8) == h.method && (u16(header, 6) & ENCRYPTED) == h.encrypted;
            if (header.getInt(0) != LOCAL || !same) {
                throw bad("zip entry " + h.quoted() + " whose header differs from the directory", "other bytes at " + headerAt, "the same name, stored as it is");
            }
            long dataAt = headerAt + LOCAL_BYTES + h.name.length + u16(header, 28);
            if (dataAt > begin || size > begin - dataAt) {
                throw bad("zip entry " + h.quoted() + " out of range", size + " bytes from byte " + dataAt, "an end before the directory at byte " + begin);
            }
            return new Entry(dataAt, size);
        }

        private void checkOverlaps(List<Entry> whole) {
            whole.sort(Comparator.comparingLong(Entry::begin));
            for (int i = 1; i < whole.size(); i++) {
                if (whole.get(i).begin < whole.get(i - 1).end()) {
                    throw bad("zip entries overlap", "one at byte " + whole.get(i).begin + " within another", "each byte in one entry");
                }
            }
        }

        private ByteBuffer bytes(long at, int size) throws IOException {
            byte[] b = new byte[size];
            Bytes.read(channel, at, MemorySegment.ofArray(b));
            return ByteBuffer.wrap(b).order(ByteOrder.LITTLE_ENDIAN);
        }

        private static int u16(ByteBuffer b, int at) {
            return b.getShort(at) & 0xffff;
        }

        private static long u32(ByteBuffer b, int at) {
            return b.getInt(at) & 0xffff_ffffL;
        }

        private DataException bad(String problem, String got, String expected) {
            return new DataException(file, problem, got, expected, REMEDY);
        }
    }
}

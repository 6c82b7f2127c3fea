package dev.jacquard.tensor.io;

import static dev.jacquard.tensor.io.TestFiles.concat;
import static dev.jacquard.tensor.io.TestFiles.refused;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.DataException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Checkpoints that lie, in the archive and in the pickle: each is refused with its own words, and none makes the reader allocate or wait for what it claims. */
class HostileTorchCheckpointTest {
    private static final long ALLOWED = 4 << 20;
    private static final String TENSOR = "ctorch._utils\n_rebuild_tensor_v2\n";
    private static final String DICT = "ccollections\nOrderedDict\n";

    @TempDir
    Path folder;

    private record Case(String name, String words, byte[] bytes) {}

    // Files by hand.

    /** A pickle of the given body: each character is one byte. */
    private static byte[] pickle(String body) {
        return concat(new byte[] {(byte) 0x80, 2}, body.getBytes(StandardCharsets.ISO_8859_1), new byte[] {'.'});
    }

    private static String text(String s) {
        return "X" + i32(s.length()) + s;
    }

    private static String i32(long n) {
        return new String(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt((int) n).array(), StandardCharsets.ISO_8859_1);
    }

    private static String i64(long n) {
        return "\u008a\u0008" + new String(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(n).array(), StandardCharsets.ISO_8859_1);
    }

    private static String numbers(long... n) {
        StringBuilder s = new StringBuilder("(");
        Arrays.stream(n).forEach(v -> s.append(i64(v)));
        return s + "t";
    }

    private static String storage(String type, String key, long elements) {
        return "(" + text("storage") + "ctorch\n" + type + "\n" + text(key) + text("cpu") + i64(elements) + "tQ";
    }

    private static String tensor(String storage, long offset, String sizes, String strides) {
        return TENSOR + "(" + storage + i64(offset) + sizes + strides + "\u0089" + DICT + ")RtR";
    }

    /** A dictionary with a tensor {@code w} over the storage of 6 floats that {@link #archive} has. */
    private static byte[] view(long elements, long offset, long[] sizes, long... strides) {
        return pickle("}" + text("w") + tensor(storage("FloatStorage", "0", elements), offset, numbers(sizes), numbers(strides)) + "s");
    }

    private static byte[] good() {
        return view(6, 0, new long[] {2, 3}, 3, 1);
    }

    private static byte[] zip(Map<String, byte[]> entries) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(out)) {
            zip.setMethod(ZipOutputStream.STORED);
            for (Map.Entry<String, byte[]> e : entries.entrySet()) {
                ZipEntry entry = new ZipEntry(e.getKey());
                entry.setSize(e.getValue().length);
                CRC32 crc = new CRC32();
                crc.update(e.getValue());
                entry.setCrc(crc.getValue());
                zip.putNextEntry(entry);
                zip.write(e.getValue());
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return out.toByteArray();
    }

    private static byte[] archive(byte[] pickle) {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        entries.put("a/data.pkl", pickle);
        entries.put("a/data/0", TestFiles.counting(24));
        return zip(entries);
    }

    private static Case pickled(String name, String words, String body) {
        return new Case(name, words, archive(pickle(body)));
    }

    private static Case viewed(String name, String words, long elements, long offset, long[] sizes, long... strides) {
        return new Case(name, words, archive(view(elements, offset, sizes, strides)));
    }

    private static long[] sizes(long... n) {
        return n;
    }

    // The cases.

    private static Stream<Case> programs() {
        return Stream.of(
                pickled("os.system", "the Python global 'posix.system'", "cposix\nsystem\n(" + text("true") + "tR"),
                pickled("eval", "the Python global '__builtin__.eval'", "}" + text("x") + "c__builtin__\neval\n(" + text("1") + "tRs"),
                pickled("torch's own other functions", "'torch.load'", "ctorch\nload\n"), pickled("nearly a storage", "'torch.FloatStorage2'", "ctorch\nFloatStorage2\n"),
                pickled("a storage of another module", "'os.FloatStorage'", "cos\nFloatStorage\n"),
                pickled("an attribute", "'torch.FloatStorage.__class__'", "ctorch\nFloatStorage.__class__\n"),
                pickled("control characters in a name", "'torch.\\u0007x'", "ctorch\n\u0007x\n"),
                pickled("text that is called", "a call of 'f'", text("f") + ")R"),
                pickled("a storage class that is called", "a call of a tensor or storage", "ctorch\nFloatStorage\n)R"),
                pickled("INST", "opcode that a checkpoint of plain tensors does not have: got 0x69", "(ios\nsystem\n"), pickled("OBJ", "got 0x6f", "(o"),
                pickled("NEWOBJ", "got 0x81", DICT + ")\u0081"),
                pickled("STACK_GLOBAL", "got 0x93", text("os") + text("system") + "\u0093"), pickled("EXT1", "got 0x82", "\u0082\u0001"), pickled("PERSID", "got 0x50", "Px\n"),
                pickled("text integer", "got 0x49", "I1\n"), pickled("FRAME", "got 0x95", "\u0095"), pickled("BYTEARRAY8", "got 0x96", "\u0096"),
                pickled("LONG4", "got 0x8b", "\u008b" + i32(1 << 30)));
    }

    private static Stream<Case> machines() {
        return Stream.of(
                new Case("no pickle", "not a pickle of protocol 2", archive(new byte[0])),
                new Case("protocol 0", "not a pickle of protocol 2", archive("}.".getBytes(StandardCharsets.US_ASCII))),
                new Case("no end", "truncated pickle", archive(new byte[] {(byte) 0x80, 2, '}'})), pickled("nothing", "an operation on nothing", ""),
                pickled("two values", "more after its end", "}}"),
                new Case("bytes after the end", "more after its end", archive(concat(pickle("}"), new byte[1]))), pickled("an open mark", "more after its end", "(}"),
                pickled("SETITEM on nothing", "an operation on nothing", "s"),
                pickled("SETITEM on a number", "what is no dictionary", "K\u0001NNs"), pickled("half an item", "what is no dictionary", "}(Nu"),
                pickled("APPEND on a tuple", "what is no list", ")Na"),
                pickled("SETITEMS without a mark", "an operation on a mark", "}NNu"), pickled("below the mark", "an operation on nothing", "N(\u0085"),
                pickled("SETITEM across a mark", "an operation on nothing", "}NN(s"),
                pickled("memo never set", "memo 7", "h\u0007"), pickled("memo 2^32 - 1 never set", "memo 4294967295", "j\u00ff\u00ff\u00ff\u00ff"),
                pickled("memo of nothing", "an operation on nothing", "q\u0000"),
                pickled("text of 4 GB", "truncated pickle", "X\u00ff\u00ff\u00ff\u00ff"), pickled("text beyond the end", "truncated pickle", "X" + i32(100) + "abc"),
                pickled("text no UTF-8", "no UTF-8", "X" + i32(2) + "\u00c0\u00af"),
                pickled("long beyond the end", "truncated pickle", "\u008a\u0020abc"), pickled("half a double", "truncated pickle", "G\u0000"),
                pickled("global without an end", "a name of more than 200", "c" + "x".repeat(1000)),
                pickled("dictionary as a key", "neither text nor number: got a dictionary", "}}Ns"), pickled("tuple as a key", "got a list", "})Ns"),
                pickled("tensor as a key", "got a tensor", "}" + tensor(storage("FloatStorage", "0", 6), 0, numbers(6), numbers(1)) + "Ns"),
                pickled("attributes of a list", "attributes of what is no dictionary", "]}b"), pickled("a list", "not a dictionary of tensors", "]"),
                pickled("a number", "not a dictionary of tensors", "K\u0001"),
                pickled("persistent id of another form", "a persistent id of another form", "(" + text("module") + "tQ"),
                pickled("persistent id a number", "a persistent id of another form", "K\u0001Q"),
                pickled("storage of -1 elements", "a persistent id", storage("FloatStorage", "0", -1)),
                pickled("storage of 2^62 elements", "a persistent id", storage("DoubleStorage", "0", 1L << 62)),
                pickled("tensor without arguments", "of other arguments", TENSOR + ")R"), pickled("tensor of a number", "of other arguments", TENSOR + "(NNNNtR"),
                pickled("OrderedDict of pairs", "of other arguments", DICT + "(]tR"),
                pickled("extents no tuple", "no integers", "}" + text("w") + tensor(storage("FloatStorage", "0", 6), 0, "N", numbers(1)) + "s"),
                pickled("extents text", "no integers", "}" + text("w") + tensor(storage("FloatStorage", "0", 6), 0, "(" + text("6") + "t", numbers(1)) + "s"));
    }

    private static Stream<Case> views() {
        String two = text("w") + tensor(storage("FloatStorage", "0", 6), 0, numbers(6), numbers(1));
        return Stream.of(
                viewed("beyond the storage", "elements 0 to 6", 6, 0, sizes(7), 1), viewed("offset beyond", "elements 1 to 6", 6, 1, sizes(6), 1),
                viewed("stride beyond", "elements 0 to 10", 6, 0, sizes(6), 2),
                viewed("offset of nothing beyond", "elements 7", 6, 7, sizes(0), 1), viewed("negative offset", "elements -1", 6, -1, sizes(2), 1),
                viewed("negative stride", "extent 6 with stride -1", 6, 5, sizes(6), -1),
                viewed("negative extent", "extent -1", 6, 0, sizes(-1), 1), viewed("repeated", "some of them repeated", 6, 0, sizes(1L << 40), 0),
                viewed("repeated a little", "some of them repeated", 6, 0, sizes(7, 1), 0, 1),
                viewed("product overflows", "more elements than 2^63", 6, 0, sizes(1L << 32, 1L << 32), 0, 0),
                viewed("product overflows with a 0", "more elements than 2^63", 6, 0, sizes(0, 1L << 32, 1L << 32), 0, 0, 0),
                viewed("stride overflows", "more elements than 2^63", 6, 0, sizes(3), Long.MAX_VALUE),
                viewed("offset overflows", "more elements than 2^63", 6, Long.MAX_VALUE, sizes(2), 1),
                viewed("too few strides", "2 extents and 1 strides", 6, 0, sizes(2, 3), 1), viewed("65 dimensions", "65 extents", 6, 0, LongArrays.ones(65), LongArrays.ones(65)),
                viewed("storage larger than its entry", "24 bytes; expected 40 bytes", 10, 0, sizes(2), 1),
                viewed("storage smaller than its entry", "24 bytes; expected 20 bytes", 5, 0, sizes(2), 1),
                viewed("storage of 2^60 elements", "missing or of another size", 1L << 59, 0, sizes(1L << 58), 1),
                pickled("another storage", "no such entry", "}" + text("w") + tensor(storage("FloatStorage", "1", 6), 0, numbers(6), numbers(1)) + "s"),
                pickled("way out of the folder", "no such entry", "}" + text("w") + tensor(storage("FloatStorage", "../data.pkl", 6), 0, numbers(6), numbers(1)) + "s"),
                pickled("one name by two ways", "duplicate tensor", "}" + text("a") + "}" + text("w") + tensor(storage("FloatStorage", "0", 6), 0, numbers(6), numbers(1)) + "ss"
                        + text("a.w") + tensor(storage("FloatStorage", "0", 6), 0, numbers(6), numbers(1)) + "s"),
                pickled("two element types of one storage", "missing or of another size", "}" + two + "s" + text("v") + tensor(storage("DoubleStorage", "0", 6), 0, numbers(6),
                        numbers(1)) + "s"));
    }

    private static final class LongArrays {
        static long[] ones(int n) {
            return IntStream.range(0, n).mapToLong(_ -> 1).toArray();
        }
    }

    /** Doubling and nesting without end. */
    private static Stream<Case> bombs() {
        StringBuilder doubling = new StringBuilder("}q\u0000");
        for (int level = 0; level < 40; level++) {
            doubling.append("}q").append((char) (level
                    + 1)).append(text("a")).append('h').append((char) level).append('s').append(text("b")).append('h').append((char) level).append('s');
        }
        String keys = "}q\u0000" + text("k".repeat(100_000)) + "q\u0001h\u0000s";
        return Stream.of(
                pickled("forty doublings", "too deep or too large", "}" + text("x") + "(" + doubling + "ts"),
                pickled("contains itself", "too deep or too large", "}q\u0000" + text("a") + "h\u0000s"),
                pickled("contains itself often", "too deep or too large", "}q\u0000" + text("a") + "h\u0000s" + text("b") + "h\u0000s" + text("c") + "h\u0000s"),
                pickled("list that contains itself", "too deep or too large", "}" + text("l") + "]q\u0000(h\u0000h\u0000es"),
                pickled("long keys", "too deep or too large", keys),
                pickled("deep lists", "too deep or too large", "}" + text("x") + "]".repeat(100_000) + "a".repeat(99_999) + "s"),
                pickled("deep tuples", "too deep or too large", "}" + text("x") + ")" + "\u0085".repeat(100_000) + "s"),
                pickled("three million tuples", "too many values", ")" + "\u0085".repeat(3_000_000)),
                pickled("three million dictionaries", "too many values", "}".repeat(3_000_000)), pickled("three million marks", "too many values", "(".repeat(3_000_000)));
    }

    private static int directoryAt(byte[] zip) {
        return ByteBuffer.wrap(zip).order(ByteOrder.LITTLE_ENDIAN).getInt(zip.length - 6);
    }

    private static byte[] changed(UnaryOperator<ByteBuffer> change) {
        byte[] zip = archive(good());
        change.apply(ByteBuffer.wrap(zip).order(ByteOrder.LITTLE_ENDIAN));
        return zip;
    }

    /** The first entry of the directory with a field of it replaced. */
    private static Case central(String name, String words, int field, int value) {
        return new Case(name, words, changed(b -> b.putInt(directoryAt(b.array()) + field, value)));
    }

    private static Case central16(String name, String words, int field, int value) {
        return new Case(name, words, changed(b -> b.putShort(directoryAt(b.array()) + field, (short) value)));
    }

    private static Case end(String name, String words, int field, int value) {
        return new Case(name, words, changed(b -> b.putInt(b.capacity() - 22 + field, value)));
    }

    private static Case end16(String name, String words, int field, int value) {
        return new Case(name, words, changed(b -> b.putShort(b.capacity() - 22 + field, (short) value)));
    }

    private static Stream<Case> archives() {
        byte[] zip = archive(good());
        Map<String, byte[]> twoRoots = new LinkedHashMap<>();
        twoRoots.put("a/data.pkl", good());
        twoRoots.put("b/data.pkl", good());
        Map<String, byte[]> big = new LinkedHashMap<>();
        big.put("a/data.pkl", good());
        big.put("a/byteorder", "big".getBytes(StandardCharsets.US_ASCII));
        big.put("a/data/0", TestFiles.counting(24));
        byte[] twice = new String(zip(Map.of("a/data.pkl", good(), "a/data.pkm", good())), StandardCharsets.ISO_8859_1).replace("a/data.pkm",
        "a/data.pkl").getBytes(StandardCharsets.ISO_8859_1);
        return Stream.of(
                new Case("end of the file missing", "no zip directory", Arrays.copyOf(zip, zip.length - 1)),
                new Case("bytes after the end", "no zip directory", concat(zip, new byte[1])),
                new Case("comment", "no zip directory", concat(Arrays.copyOf(zip, zip.length - 2), new byte[] {1, 0, 'x'})),
                new Case("head alone", "truncated file", Arrays.copyOf(zip, 20)),
                new Case("no entries", "not a PyTorch checkpoint", concat("PK\3\4".getBytes(StandardCharsets.US_ASCII), emptyEnd())),
                new Case("prefix before the zip", "not a PyTorch checkpoint", concat(new byte[] {'x'}, zip)), new Case("two checkpoints", "2 entries data.pkl", zip(twoRoots)),
                new Case("no pickle", "0 entries data.pkl", zip(Map.of("a/data/0", new byte[4]))),
                new Case("pickle too deep", "0 entries data.pkl", zip(Map.of("a/b/data.pkl", good()))),
                new Case("big-endian", "byte order not supported", zip(big)), new Case("name twice", "duplicate zip entry", twice),
                end("directory at another place", "zip directory out of range", 16, 5), end("directory before the file", "zip directory out of range", 16, -2),
                end("directory of 4 GB", "zip directory out of range", 12, -2),
                end16("another number of entries", "several disks", 10, 1), end16("second disk", "several disks", 4, 1),
                end("zip64 that is not there", "no zip64 record", 16, -1), end("zip64 size that is not there", "no zip64 record", 12, -1),
                central("no signature", "no entry at byte", 0, 0), central16("name beyond the directory", "an entry of", 28, 0xffff),
                central16("no name", "with a name of 0", 28, 0), central16("extra beyond the directory", "an entry of", 30, 0xffff),
                central16("extra that hides the next entry", "no entry at byte", 30, 3), central16("deflated, by the directory alone", "whose header differs", 10, 8),
                central16("encrypted, by the directory alone", "whose header differs", 8, 1),
                new Case("deflated", "'a/data.pkl' is compressed", changed(b -> b.putShort(8, (short) 8).putShort(directoryAt(b.array()) + 10, (short) 8))),
                new Case("encrypted", "'a/data.pkl' is compressed or encrypted", changed(b -> b.putShort(6, (short) 1).putShort(directoryAt(b.array()) + 8, (short) 1))),
                central("two sizes", "with two sizes", 20, 3),
                new Case("size beyond the directory", "out of range", changed(b -> b.putInt(directoryAt(b.array()) + 20, 1 << 30).putInt(directoryAt(b.array()) + 24, 1 << 30))),
                central("header beyond the directory", "out of range", 42, 1 << 30), central("header of another entry", "whose header differs", 42, 3),
                central("zip64 position that is not there", "out of range", 42, -1),
                new Case("header of another name", "whose header differs", changed(b -> b.put(30, (byte) 'x'))),
                new Case("header of another method", "whose header differs", changed(b -> b.putShort(8, (short) 8))),
                new Case("entry into the next", "zip entries overlap", changed(b -> {
                    int size = b.getInt(directoryAt(b.array()) + 20) + 10;
                    return b.putInt(directoryAt(b.array()) + 20, size).putInt(directoryAt(b.array()) + 24, size);
                })));
    }

    private static byte[] emptyEnd() {
        return ByteBuffer.allocate(22).order(ByteOrder.LITTLE_ENDIAN).putInt(0, 0x06054b50).putInt(16, 4).array();
    }

    @TestFactory
    Stream<DynamicTest> refusesFilesThatLie() {
        return Stream.of(programs(), machines(), views(), bombs(), archives()).flatMap(s -> s).map(c -> DynamicTest.dynamicTest(c.name, () -> {
            Path path = TestFiles.put(folder, c.bytes);
            long allocated = Hostile.allocated(() -> refused(path, c.words, () -> TorchCheckpoint.open(path).close()));
            // What is walked in vain counts up to a fixed limit; a container of one byte in the file costs some eighty.
            assertTrue(allocated < 4 * ALLOWED + 100L * c.bytes.length, allocated + " bytes allocated for " + c.bytes.length);
        }));
    }

    @Test
    void everyTruncationIsRefused() {
        byte[] zip = archive(good());
        for (int n = 0; n < zip.length; n++) {
            Path path = TestFiles.put(folder, Arrays.copyOf(zip, n));
            refused(path, "", () -> TorchCheckpoint.open(path).close());
        }
    }

    @Test
    void takesWhatTheFormatAllows() {
        for (byte[] pickle : new byte[][] {good(), view(6, 5, new long[] {1}, 1000), view(6, 6, new long[] {0, 5}, 1, 1), view(6, 0, new long[0]), pickle("}"), pickle("}(u"),
            pickle("}" + text("a") + "\u008a\u0000s" + text("b") + "\u008a\u0001\u00ffs" + text("c") + i64(Long.MIN_VALUE) + "s")}) {
            Path path = TestFiles.put(folder, archive(pickle));
            try (TensorFile f = TensorFile.open(path)) {
                Hostile.readAll(f);
                assertEquals(f.metadata().isEmpty() ? Map.of() : Map.of("a", "0", "b", "-1", "c", "-9223372036854775808"), f.metadata());
            }
        }
    }

    /** The entries that PyTorch 2 adds. */
    @Test
    void laterPyTorchsEntriesAreRead() {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        entries.put("a/data.pkl", good());
        entries.put("a/.format_version", "1".getBytes(StandardCharsets.US_ASCII));
        entries.put("a/.storage_alignment", "64".getBytes(StandardCharsets.US_ASCII));
        entries.put("a/byteorder", "little".getBytes(StandardCharsets.US_ASCII));
        entries.put("a/data/0", TestFiles.counting(24));
        entries.put("a/version", "3\n".getBytes(StandardCharsets.US_ASCII));
        entries.put("a/.data/serialization_id", "0".repeat(40).getBytes(StandardCharsets.US_ASCII));
        try (TensorFile f = TensorFile.open(TestFiles.put(folder, zip(entries)))) {
            byte[] bytes = new byte[24];
            f.read("w", MemorySegment.ofArray(bytes));
            assertArrayEquals(TestFiles.counting(24), bytes);
        }
    }

    /**
     * An archive with the larger end record of zip64, and its first entry's numbers in the extra field.
     *
     * @param hidden whether the smaller record, too, says that its numbers are elsewhere
     */
    private static byte[] zip64(byte[] zip, boolean hidden) {
        int begin = directoryAt(zip);
        ByteBuffer old = ByteBuffer.wrap(zip).order(ByteOrder.LITTLE_ENDIAN);
        int nameEnd = begin + 46 + old.getShort(begin + 28);
        byte[] extra = ByteBuffer.allocate(28).order(ByteOrder.LITTLE_ENDIAN).putShort((short) 1).putShort((short) 24).putLong(old.getInt(begin + 24)).putLong(old.getInt(begin
        + 20)).putLong(old.getInt(begin + 42)).array();
        byte[] first = Arrays.copyOfRange(zip, begin, nameEnd);
        ByteBuffer.wrap(first).order(ByteOrder.LITTLE_ENDIAN).putInt(20, -1).putInt(24, -1).putInt(42, -1).putShort(30, (short) extra.length);
        byte[] directory = concat(first, extra, Arrays.copyOfRange(zip, nameEnd, zip.length - 22));
        byte[] end = Arrays.copyOfRange(zip, zip.length - 22, zip.length);
        ByteBuffer small = ByteBuffer.wrap(end).order(ByteOrder.LITTLE_ENDIAN);
        byte[] end64 = ByteBuffer.allocate(56).order(ByteOrder.LITTLE_ENDIAN).putInt(0, 0x06064b50).putLong(4, 44).putLong(24, small.getShort(10)).putLong(32,
        small.getShort(10)).putLong(40, directory.length)
                .putLong(48, begin).array();
        byte[] locator = ByteBuffer.allocate(20).order(ByteOrder.LITTLE_ENDIAN).putInt(0, 0x07064b50).putLong(8, begin + directory.length).putInt(16, 1).array();
        small.putInt(12, directory.length);
        if (hidden) {
            small.putShort(8, (short) -1).putShort(10, (short) -1).putInt(12, -1).putInt(16, -1);
        }
        return concat(Arrays.copyOf(zip, begin), directory, end64, locator, end);
    }

    @Test
    void archivesBeyondFourGigabytesAreRead() {
        for (boolean hidden : new boolean[] {false, true}) {
            byte[] zip = zip64(archive(good()), hidden);
            try (TensorFile f = TensorFile.open(TestFiles.put(folder, zip))) {
                assertEquals(6, f.floats("w").length);
            }
            // The larger record lies about where it is, where the directory is, and how much there is.
            for (int field : new int[] {zip.length - 22 - 20 + 8, zip.length - 22 - 20 - 56 + 48, zip.length - 22 - 20 - 56 + 40, zip.length - 22 - 20 - 56}) {
                byte[] wrong = zip.clone();
                wrong[field] ^= 1;
                Path path = TestFiles.put(folder, wrong);
                refused(path, "zip", () -> TorchCheckpoint.open(path).close());
            }
            // The extra field claims 2^62 bytes, and a position beyond the file.
            int extra = directoryAt(hidden ? zip64(archive(good()), false) : zip) + 46 + "a/data.pkl".length() + 4;
            for (int number = 0; number < 3; number++) {
                byte[] wrong = zip.clone();
                wrong[extra + 8 * number + 7] = 0x40;
                Path path = TestFiles.put(folder, wrong);
                refused(path, "out of range", () -> TorchCheckpoint.open(path).close());
            }
        }
    }

    /** Mutated files either read, or are refused as the caller's fault; nothing else may come out, and no large allocation. */
    @Test
    void fuzz() throws IOException {
        byte[][] seeds = {archive(good()), Files.readAllBytes(TestFiles.fixture(folder, "nested.pt")), Files.readAllBytes(TestFiles.fixture(folder, "views.pt"))};
        Random random = new Random(20261121);
        int opened = 0;
        int rounds = 2000;
        for (int round = 0; round < rounds; round++) {
            Path path = TestFiles.put(folder, Mutations.mutate(seeds[round % seeds.length].clone(), random));
            opened += Hostile.survives(path, TorchCheckpoint::open, round, ALLOWED) ? 1 : 0;
        }
        assertTrue(opened > 50 && opened < rounds * 3 / 4, "the mutations neither all pass nor all fail: " + opened);
    }

    /** The pickle alone, so that the mutations get past the archive. */
    @Test
    void fuzzPickles() {
        byte[] seed = pickle(new String(good(), 2, good().length - 3, StandardCharsets.ISO_8859_1) + text("n") + "]q\u0001(K\u0001G" + "\0".repeat(8) + "Nes" + text("m")
                + "h\u0001s");
        Random random = new Random(7);
        int opened = 0;
        for (int round = 0; round < 4000; round++) {
            byte[] bytes = Mutations.mutate(seed.clone(), random);
            try {
                Unpickler.read("pickle", bytes);
                opened++;
            } catch (DataException e) {
                assertFalse(e.getMessage().chars().anyMatch(Character::isISOControl), e.getMessage());
            }
        }
        assertTrue(opened > 40 && opened < 3900, "the mutations neither all pass nor all fail: " + opened);
    }
}

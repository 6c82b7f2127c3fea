package dev.jacquard.tensor.io;

import static dev.jacquard.tensor.io.TestFiles.concat;
import static dev.jacquard.tensor.io.TestFiles.refused;
import static dev.jacquard.tensor.io.TestFiles.safetensors;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Files that lie: every case is refused with its own words, and none makes the reader allocate what it claims. */
class HostileSafeTensorsTest {
    private static final long ALLOWED = 4 << 20;

    @TempDir
    Path folder;

    private record Case(String name, String words, byte[] bytes) {
        Case withData(int n) {
            return new Case(name, words, concat(bytes, TestFiles.counting(n)));
        }
    }

    private static Case entry(String name, String words, String entry, int data) {
        return new Case(name, words, safetensors("{\"a\":" + entry + "}", data));
    }

    private static Case header(String name, String words, String header) {
        return new Case(name, words, safetensors(header, 0));
    }

    private static byte[] length(long n, int rest) {
        return concat(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(n).array(), "{}".repeat(rest).getBytes(StandardCharsets.US_ASCII));
    }

    private static String f32(String shape, String offsets) {
        return "{\"dtype\":\"F32\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
    }

    private static Stream<Case> lengths() {
        return Stream.of(
                new Case("empty file", "truncated file: got 0 bytes", new byte[0]),
                new Case("seven bytes", "truncated file", new byte[7]),
                new Case("length beyond the file", "header length out of range", length(100, 1)),
                new Case("length one beyond", "header length out of range", length(3, 1)),
                new Case("length 2^60", "header length out of range", length(1L << 60, 1)),
                new Case("length 2^63", "9223372036854775808", length(Long.MIN_VALUE, 1)),
                new Case("length -1", "18446744073709551615", length(-1, 1)),
                new Case("length 2^31", "header length out of range", length(1L << 31, 1)),
                new Case("length 0", "no text", length(0, 1)),
                new Case("cut in the header", "header length out of range", Arrays.copyOf(safetensors("{\"a\":" + f32("[1]", "[0,4]") + "}", 4), 40)));
    }

    private static Stream<Case> grammar() {
        byte[] bad = safetensors("{\"a?\":" + f32("[1]", "[0,4]") + "}", 4);
        bad[11 - 1] = (byte) 0xff;
        byte[] overlong = safetensors("{\"??\":" + f32("[1]", "[0,4]") + "}", 4);
        overlong[10] = (byte) 0xc0;
        overlong[11] = (byte) 0xaf;
        return Stream.of(
                new Case("not UTF-8", "no UTF-8", bad), new Case("overlong UTF-8", "no UTF-8", overlong),
                header("leading space", "first byte 0x20", " {}"), header("byte order mark", "first byte 0xef", "\ufeff{}"),
                header("array", "first byte 0x5b", "[]"),
                header("unclosed", "end of the header", "{"), header("unclosed string", "end of the header", "{\"a"),
                header("unclosed entry", "'}'", "{\"a\":" + f32("[0]", "[0,0]")),
                header("text after", "end of the header", "{}x"), header("zero byte after", "end of the header", "{}\0"),
                header("two objects", "end of the header", "{}{}"),
                header("trailing comma", "the name of a tensor", "{\"a\":" + f32("[0]", "[0,0]") + ",}"),
                header("no colon", "':'", "{\"a\" {}}"), header("single quotes", "the name of a tensor", "{'a':{}}"),
                header("comment", "the name of a tensor", "{/**/}"),
                header("entry a number", "'{'", "{\"a\":1}"), header("entry null", "'{'", "{\"a\":null}"),
                header("entry empty", "dtype, shape or data_offsets", "{\"a\":{}}"),
                header("deep arrays", "'{'", "{\"a\":" + "[".repeat(100_000) + "}"), header("deep objects", "unknown key", "{\"a\":".repeat(100_000)),
                header("deep shape", "an extent", "{\"a\":{\"shape\":" + "[".repeat(100_000)),
                header("bad escape", "an escape of JSON", "{\"\\x\":{}}"), header("short escape", "hexadecimal digit", "{\"\\u12\":{}}"),
                header("wide digit in escape", "hexadecimal digit", "{\"\\u00\uff11\uff11\":{}}"),
                header("escape at the end", "end of the header", "{\"\\"),
                header("half surrogate", "surrogate", "{\"\\ud83e\":{}}"), header("halves swapped", "surrogate", "{\"\\uddf5\\ud83e\":{}}"),
                header("raw newline in a name", "control character", "{\"a\nb\":{}}"),
                header("metadata a number", "a value of the metadata", "{\"__metadata__\":{\"a\":1}}"),
                header("metadata a string", "'{'", "{\"__metadata__\":\"x\"}"),
                header("metadata nested", "a value of the metadata", "{\"__metadata__\":{\"a\":{}}}"),
                header("metadata twice", "duplicate key", "{\"__metadata__\":{},\"__metadata__\":{}}"),
                header("metadata key twice", "duplicate key in the metadata", "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}"));
    }

    private static Stream<Case> entries() {
        return Stream.of(
                entry("no dtype", "no dtype", "{\"shape\":[1],\"data_offsets\":[0,4]}", 4),
                entry("no shape", "no shape", "{\"dtype\":\"F32\",\"data_offsets\":[0,4]}", 4),
                entry("no offsets", "no data_offsets", "{\"dtype\":\"F32\",\"shape\":[1]}", 4),
                entry("unknown key", "unknown key: got 'strides'", "{\"dtype\":\"F32\",\"strides\":[1]}", 4),
                entry("dtype twice", "duplicate key: got dtype", "{\"dtype\":\"F32\",\"dtype\":\"F32\"}", 4),
                entry("shape twice", "duplicate key: got shape", "{\"shape\":[1],\"shape\":[1]}", 4),
                entry("offsets twice", "duplicate key: got data_offsets", "{\"data_offsets\":[0,4],\"data_offsets\":[0,4]}", 4),
                entry("dtype a number", "an element type", "{\"dtype\":32}", 4),
                entry("unknown dtype", "unknown element type: got 'F31'", f32("[1]", "[0,4]").replace("F32", "F31"), 4),
                entry("lower-case dtype", "unknown element type", f32("[1]", "[0,4]").replace("F32", "f32"), 4),
                entry("one offset", "1 numbers; expected a pair", f32("[1]", "[0]"), 4), entry("three offsets", "a pair", f32("[1]", "[0,4,8]"), 4),
                entry("negative extent", "an extent, an integer of 0 or more", f32("[-1]", "[0,4]"), 4),
                entry("negative offset", "an offset", f32("[1]", "[-4,0]"), 4),
                entry("fraction", "an extent", f32("[1.0]", "[0,4]"), 4), entry("exponent", "an extent", f32("[1e0]", "[0,4]"), 4),
                entry("leading zero", "an extent", f32("[01]", "[0,4]"), 4), entry("plus sign", "an extent", f32("[+1]", "[0,4]"), 4),
                entry("extent a string", "an extent", f32("[\"1\"]", "[0,4]"), 4), entry("extent null", "an extent", f32("[null]", "[0,4]"), 4),
                entry("extent 2^63", "fewer than 2^63", f32("[9223372036854775808]", "[0,4]"), 4),
                entry("extent of 1000 digits", "fewer than 2^63", f32("[" + "9".repeat(1000) + "]", "[0,4]"), 4),
                entry("product overflows to 1", "absurd shape", f32("[4294967296,4294967296,1]", "[0,4]"), 4),
                entry("product overflows with a 0", "absurd shape", f32("[4294967296,4294967296,0]", "[0,0]"), 0),
                entry("2^60 elements", "absurd shape", f32("[1152921504606846976]", "[0,4]"), 4),
                entry("2^58 elements", "data does not fit the shape", f32("[288230376151711744]", "[0,4]"), 4),
                entry("2^60 bytes", "data beyond the end of the file", f32("[288230376151711744]", "[0,1152921504606846976]"), 4),
                entry("65 dimensions", "at most 64", f32("[1" + ",1".repeat(64) + "]", "[0,4]"), 4),
                entry("shape too small", "data does not fit", f32("[1]", "[0,8]"), 8),
                entry("shape too large", "data does not fit", f32("[3]", "[0,8]"), 8),
                entry("foreign type too small", "data does not fit", f32("[3]", "[0,4]").replace("F32", "U16"), 4),
                entry("foreign half bytes", "data does not fit", f32("[3]", "[0,2]").replace("F32", "F4"), 2),
                entry("begin beyond end", "begin beyond end", f32("[1]", "[4,0]"), 4),
                entry("end beyond file", "beyond the end of the file", f32("[2]", "[0,8]"), 4),
                entry("hole at the front", "hole in the data", f32("[1]", "[4,8]"), 8),
                entry("hole at the end", "hole in the data", f32("[1]", "[0,4]"), 8),
                header("data of nobody", "hole in the data", "{}").withData(1),
                new Case("hole in the middle", "hole in the data", safetensors("{\"a\":" + f32("[1]", "[0,4]") + ",\"b\":" + f32("[1]", "[8,12]") + "}", 12)),
                new Case("overlap", "tensors overlap", safetensors("{\"a\":" + f32("[2]", "[0,8]") + ",\"b\":" + f32("[2]", "[4,12]") + "}", 12)),
                new Case("same bytes twice", "tensors overlap", safetensors("{\"a\":" + f32("[1]", "[0,4]") + ",\"b\":" + f32("[1]", "[0,4]") + "}", 4)),
                new Case("empty inside another", "tensors overlap", safetensors("{\"a\":" + f32("[2]", "[0,8]") + ",\"b\":" + f32("[0]", "[4,4]") + "}", 8)),
                new Case("name twice", "duplicate tensor", safetensors("{\"a\":" + f32("[1]", "[0,4]") + ",\"a\":" + f32("[1]", "[4,8]") + "}", 8)),
                new Case("name twice by escape", "duplicate tensor", safetensors("{\"a\":" + f32("[1]", "[0,4]") + ",\"\\u0061\":" + f32("[1]", "[4,8]") + "}", 8)));
    }

    @TestFactory
    Stream<DynamicTest> refusesFilesThatLie() {
        return Stream.of(lengths(), grammar(), entries()).flatMap(s -> s).map(c -> DynamicTest.dynamicTest(c.name, () -> {
            Path path = TestFiles.put(folder, c.bytes);
            long allocated = Hostile.allocated(() -> refused(path, c.words, () -> SafeTensors.open(path).close()));
            assertTrue(allocated < ALLOWED + 8L * c.bytes.length, allocated + " bytes allocated");
        }));
    }

    @Test
    void refusesMissingFilesAndFolders() {
        refused(folder.resolve("none"), "no such file", () -> SafeTensors.open(folder.resolve("none")));
        refused(folder, "a folder", () -> SafeTensors.open(folder));
    }

    @Test
    void headerOverTheLimitOfTheFormatIsNotRead() throws IOException {
        Path path = folder.resolve("sparse");
        try (RandomAccessFile f = new RandomAccessFile(path.toFile(), "rw")) {
            f.setLength(1L << 32);
            f.write(length(100_000_001, 1));
        }
        long allocated = Hostile.allocated(() -> refused(path, "at most 100000000", () -> SafeTensors.open(path).close()));
        assertTrue(allocated < ALLOWED, allocated + " bytes allocated");
    }

    @Test
    void takesWhatTheFormatAllows() {
        Map<String, String> allowed = Map.of("spaces after", "{}      ", "white space inside", "{ \"a\"\t:\n" + f32("[ 0 , 3 ]", "[ 0, 0 ]") + "\r\n}",
                "any order of keys", "{\"a\":{\"data_offsets\":[0,0],\"shape\":[0],\"dtype\":\"F32\"}}",
                "escapes", "{\"\\ud83e\\uddf5\\/\\b\\f\\n\\r\\t\\\"\\\\\\u00e9\":" + f32("[0]", "[0,0]") + "}",
                "metadata last", "{\"a\":" + f32("[0]", "[0,0]") + ",\"__metadata__\":{}}");
        allowed.forEach((name, header) -> {
            Path path = TestFiles.put(folder, safetensors(header, 0));
            try (SafeTensors f = SafeTensors.open(path)) {
                if (name.equals("escapes")) {
                    assertEquals("🧵/\b\f\n\r\t\"\\é", f.names().iterator().next());
                }
            }
        });
    }

    /** Mutated files either read, or are refused as the caller's fault; nothing else may come out, and no large allocation. */
    @Test
    void fuzz() {
        byte[] seed = safetensors("{\"__metadata__\":{\"k\":\"v\\u00e9\"},\"ä\":" + f32("[2,3]", "[0,24]") + ",\"b\":"
                + f32("[4]", "[24,32]").replace("F32", "F16") + ",\"c\":" + f32("[]", "[32,40]").replace("F32", "F64") + "}   ", 40);
        Random random = new Random(20261120);
        int opened = 0;
        for (int round = 0; round < 2500; round++) {
            byte[] bytes = Mutations.mutate(seed, random);
            Path path = TestFiles.put(folder, bytes);
            opened += Hostile.survives(path, SafeTensors::open, round, ALLOWED) ? 1 : 0;
        }
        assertTrue(opened > 30 && opened < 2400, "the mutations neither all pass nor all fail: " + opened);
    }
}

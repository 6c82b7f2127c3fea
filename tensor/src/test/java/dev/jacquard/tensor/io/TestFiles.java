package dev.jacquard.tensor.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DataException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.function.Executable;

/** What the tests of this package share: files by hand, fixtures, and the checks of an error's form. */
final class TestFiles {
    private TestFiles() {
    }

    /** A safetensors file of the given header, padding not added, and so many bytes of data counting up. */
    static byte[] safetensors(String header, int data) {
        byte[] text = header.getBytes(StandardCharsets.UTF_8);
        return concat(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(text.length).array(), text, counting(data));
    }

    /** An npy file of version 1 with the given header text. */
    static byte[] npy(String header, int data) {
        byte[] text = header.getBytes(StandardCharsets.ISO_8859_1);
        return concat(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (byte) text.length, (byte) (text.length >>> 8)}, text, counting(data));
    }

    static byte[] counting(int n) {
        byte[] bytes = new byte[n];
        for (int i = 0; i < n; i++) {
            bytes[i] = (byte) i;
        }
        return bytes;
    }

    static byte[] concat(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }

    static byte[] random(long seed, int n) {
        byte[] bytes = new byte[n];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    /** A file made by the libraries that define the formats; see make_fixtures.py. */
    static Path fixture(Path folder, String name) {
        try (InputStream in = TestFiles.class.getResourceAsStream(name)) {
            assertNotNull(in, name);
            Path copy = folder.resolve(name);
            Files.write(copy, in.readAllBytes());
            return copy;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    static Path put(Path folder, byte[] bytes) {
        try {
            return Files.write(folder.resolve("case.bin"), bytes);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Element i as a number, whatever the type. */
    static double element(DType dtype, byte[] bytes, int i) {
        MemorySegment s = MemorySegment.ofArray(bytes);
        return switch (dtype) {
            case F32 -> s.get(ValueLayout.JAVA_FLOAT_UNALIGNED, i * 4L);
            case F64 -> s.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, i * 8L);
            case F16 -> Float.float16ToFloat(s.get(ValueLayout.JAVA_SHORT_UNALIGNED, i * 2L));
            case BF16 -> Float.intBitsToFloat(s.get(ValueLayout.JAVA_SHORT_UNALIGNED, i * 2L) << 16);
            case I8 -> bytes[i];
            case U8 -> bytes[i] & 0xff;
            case I32 -> s.get(ValueLayout.JAVA_INT_UNALIGNED, i * 4L);
            case I64 -> s.get(ValueLayout.JAVA_LONG_UNALIGNED, i * 8L);
        };
    }

    /** Demands a DataException in five parts on one line that names the file and says the given words. */
    static DataException refused(Path path, String words, Executable body) {
        DataException e = assertThrows(DataException.class, body);
        assertTrue(e.getMessage().contains(path.getFileName().toString()), e.getMessage());
        assertTrue(e.getMessage().contains(words), () -> "'" + words + "' expected in: " + e.getMessage());
        assertFalse(e.getMessage().chars().anyMatch(Character::isISOControl), "one line: " + e.getMessage());
        for (String part : List.of(e.op(), e.problem(), e.got(), e.expected(), e.remedy())) {
            assertFalse(part.isBlank(), e.getMessage());
        }
        return e;
    }

    /** Names of the files in a folder. */
    static List<String> list(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(p -> p.getFileName().toString()).sorted().toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    static void assertOnly(Path folder, String... names) {
        assertEquals(Stream.of(names).sorted().toList(), list(folder));
    }
}

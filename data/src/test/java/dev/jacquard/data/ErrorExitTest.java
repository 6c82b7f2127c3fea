package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.jacquard.data.LibJpegLibrary.Version;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Errors within libjpeg come back as a result, wherever they happen, and leave nothing behind. */
class ErrorExitTest {
    private static LibJpegLibrary library() {
        JpegLibrary.Found found = JpegLibrary.find("libjpeg");
        assumeTrue(found.library() != null, "skipped: " + found.why());
        return (LibJpegLibrary) found.library();
    }

    /** Where {@code as} and {@code objcopy} are installed. */
    @Test
    void bytesAreThoseOfTheGnuAssembler(@TempDir Path folder) throws IOException, InterruptedException {
        Path source = folder.resolve("code.s");
        Files.writeString(source, ErrorExit.LINES.stream().map(ErrorExit.Line::text).collect(Collectors.joining("\n", "", "\n")));
        assumeTrue(run(folder, "as", "--64", "-o", "code.o", "code.s") && run(folder, "objcopy", "-O", "binary", "-j", ".text", "code.o", "code.bin"), "skipped: no GNU assembler");
        assertArrayEquals(Files.readAllBytes(folder.resolve("code.bin")), ErrorExit.bytes());
    }

    private static boolean run(Path folder, String... command) throws InterruptedException {
        try {
            return new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).redirectOutput(folder.resolve("log.txt").toFile()).start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** The library itself says that it is another version; it has not written anything then. */
    @Test
    void anotherVersionOrSizeIsRefused() {
        LibJpegLibrary library = library();
        try (Arena arena = Arena.ofConfined(); LibJpegState state = new LibJpegState(library, arena)) {
            Version right = library.version;
            for (Version wrong : List.of(new Version(right.number() + 1, right.cinfo()), new Version(right.number(), right.cinfo() - 8), new Version(90, 664), new Version(0, 0))) {
                assertFalse(state.create(wrong), wrong.toString());
            }
            assertTrue(state.create(right));
        }
    }

    @Test
    void aLibraryOfAnotherKindIsNotUsed() {
        JpegLibrary.Found libc = JpegLibrary.find(System.getProperty("java.home") + "/lib/libjava.so");
        assertEquals(null, libc.library());
        assertTrue(libc.why().contains("it lacks jpeg_std_error") || libc.why().contains("no file") || ErrorExit.refusal() != null, libc.why());
        assertThrows(IllegalArgumentException.class, () -> new LibJpegLibrary(SymbolLookup.loaderLookup()));
    }

    /** In the header, in the first rows, in the last, and where a function is called too early; a hundred thousand times, in a flat amount of memory. */
    @Test
    void errorsLeaveNothingBehind() throws IOException {
        LibJpegLibrary library = library();
        byte[] good = TestImages.resource("pil-big-420.jpg");
        byte[] early = damaged(good, 0.3);
        byte[] late = damaged(good, 0.95);
        JpegHeader header = JpegHeader.parse(good, good.length);
        JpegHeader another = new JpegHeader(1, 1, 8, 3, JpegHeader.Coding.SEQUENTIAL, false, true, 1, 1, true, 0, false, 1);
        Wanted all = Wanted.whole(header.width(), header.height());
        Picture picture = new Picture();
        try (JpegCodec codec = library.codec()) {
            long before = 0;
            for (int i = 0; i < 100_000; i++) {
                switch (i % 4) {
                    case 0 -> assertFalse(codec.decode(early, early.length, header, all, false, picture));
                    case 1 -> assertFalse(codec.decode(late, late.length, header, all, false, picture));
                    case 2 -> assertFalse(codec.decode(good, 10, header, all, false, picture));
                    default -> assertFalse(codec.decode(good, good.length, another, all, false, picture));
                }
                before = i == 20_000 ? residentKib() : before;
            }
            long grown = residentKib() - before;
            assertTrue(grown < 24 << 10, "KiB more: " + grown); // a leak of one decoder's memory each would be gigabytes
            assertTrue(codec.decode(good, good.length, header, all, false, picture));
            assertEquals(0, TestImages.distance(TestImages.resource("pil-big-420.rgb"), picture.toImage().pixels()));
        }
    }

    private static long residentKib() throws IOException {
        System.gc();
        return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(l -> l.startsWith("VmRSS")).mapToLong(l -> Long.parseLong(l.replaceAll("\\D", ""))).sum();
    }

    private static byte[] damaged(byte[] file, double where) {
        byte[] copy = file.clone();
        int at = (int) (file.length * where);
        Arrays.fill(copy, at, Math.min(at + 40, copy.length - 2), (byte) 0xFF);
        return copy;
    }

    @Test
    void functionsThatAreCalledTooEarlyAreErrors() {
        LibJpegLibrary library = library();
        for (int i = 0; i < 1000; i++) {
            try (Arena arena = Arena.ofConfined(); LibJpegState state = new LibJpegState(library, arena)) {
                assertTrue(state.create(library.version));
                assertFalse(state.start(1));
                assertEquals(0, state.read(arena.allocate(64), 1));
                assertFalse(state.skip(1));
                assertEquals(-1, state.crop(0, 1));
                assertFalse(state.finish());
                assertTrue(state.abort());
            }
        }
    }

    /** Each thread has registers of its own. */
    @Test
    void threadsDoNotDisturbEachOther() throws Exception {
        LibJpegLibrary library = library();
        byte[] good = TestImages.resource("pil-420.jpg");
        byte[] bad = damaged(good, 0.8);
        byte[] expected = TestImages.resource("pil-420.rgb");
        JpegHeader header = JpegHeader.parse(good, good.length);
        Callable<Integer> worker = () -> {
            Random random = new Random(Thread.currentThread().threadId());
            Picture picture = new Picture();
            int right = 0;
            try (JpegCodec codec = library.codec()) {
                for (int i = 0; i < 3000; i++) {
                    boolean damaged = random.nextBoolean();
                    boolean done = codec.decode(damaged ? bad : good, good.length, header, Wanted.whole(header.width(), header.height()), false, picture);
                    right += done != damaged && (damaged || Arrays.equals(expected, 0, expected.length, picture.pixels(), 0, expected.length)) ? 1 : 0;
                }
            }
            return right;
        };
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            for (Future<Integer> f : threads.invokeAll(List.of(worker, worker, worker, worker))) {
                assertEquals(3000, f.get());
            }
        }
    }
}

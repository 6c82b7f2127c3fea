package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.jacquard.tensor.DataException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Ten thousand bad files: each is decoded or refused, soon, in little memory, and by whatever library it is the same ones. */
class HostileImagesTest {
    private static final int FILES = 10_000;
    private static final long NANOS = 1_000_000_000;
    /** What one file may cost in heap: a few times the largest picture that the corpus really holds (2500 x 2500), not what it claims. */
    private static final long HEAP_BYTES = 96L << 20;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    static List<String> ways() {
        return JpegWays.all();
    }

    private static ImageDecoder decoder(String way) {
        return JpegWays.decoder(way);
    }

    @ParameterizedTest
    @MethodSource("ways")
    void eachIsDecodedOrRefused(String way) {
        Map<String, Integer> outcomes = new TreeMap<>();
        List<String> wrong = new ArrayList<>();
        try (ImageDecoder decoder = decoder(way)) {
            HostileImages.good().forEach((name, file) -> decoder.decode(file, name)); // classes are loaded, code is warm
            HostileImages.make(FILES, (name, file) -> {
                long allocated = threads.getCurrentThreadAllocatedBytes();
                long start = threads.getCurrentThreadCpuTime();
                String outcome;
                try {
                    decoder.decode(file, name);
                    outcome = "good";
                } catch (DataException e) {
                    outcome = "bad";
                    if (!e.op().equals(name)) {
                        wrong.add(name + ": the message does not begin with the name: " + e.getMessage());
                    }
                } catch (Throwable t) {
                    outcome = "thrown";
                    wrong.add(name + ": " + t);
                }
                outcomes.merge(outcome, 1, Integer::sum);
                long nanos = threads.getCurrentThreadCpuTime() - start;
                long bytes = threads.getCurrentThreadAllocatedBytes() - allocated;
                if (nanos > NANOS || bytes > HEAP_BYTES) {
                    wrong.add(name + ": " + outcome + " after " + nanos / 1_000_000 + " ms and " + (bytes >> 20) + " MiB");
                }
            });
        }
        assertTrue(wrong.isEmpty(), () -> wrong.size() + " wrong:\n" + String.join("\n", wrong.subList(0, Math.min(wrong.size(), 40))));
        assertEquals(FILES, outcomes.get("good") + outcomes.get("bad"));
        assertTrue(outcomes.get("bad") > FILES / 4, outcomes.toString());
    }

    /** The good ones' pixels too: a reader that has seen a damaged file is as good as a new one. */
    @ParameterizedTest
    @MethodSource("ways")
    void noFileDependsOnThoseBeforeIt(String way) {
        List<byte[]> files = new ArrayList<>();
        HostileImages.make(0, (name, file) -> files.add(file));
        try (ImageDecoder forwards = decoder(way); ImageDecoder backwards = decoder(way)) {
            int[] digests = new int[files.size()];
            for (int i = 0; i < digests.length; i++) {
                digests[i] = digest(forwards, files.get(i));
            }
            for (int i = digests.length - 1; i >= 0; i--) {
                assertEquals(digests[i], digest(backwards, files.get(i)), "file " + i);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.jacquard.data.JpegWays#installed")
    void theSameFilesAreGoodWithAndWithoutTheLibrary(String way) {
        List<String> different = new ArrayList<>();
        try (ImageDecoder java = decoder("java"); ImageDecoder library = decoder(way)) {
            HostileImages.make(FILES, (name, file) -> {
                if ((digest(java, file) == 0) != (digest(library, file) == 0)) {
                    different.add(name);
                }
            });
        }
        assertEquals(List.of(), different);
    }

    /** Damage in what a part does not need is found. */
    @ParameterizedTest
    @MethodSource("ways")
    void aPartIsAsGoodAsTheWhole(String way) {
        List<String> different = new ArrayList<>();
        Random random = new Random(11);
        try (ImageDecoder decoder = decoder(way)) {
            HostileImages.make(FILES / 2, (name, file) -> {
                ImageHeader header;
                try {
                    header = decoder.header(file, file.length, name);
                } catch (DataException e) {
                    return;
                }
                int x = random.nextInt(header.width());
                int y = random.nextInt(header.height());
                Wanted part = new Wanted(x, y, 1 + random.nextInt(Math.min(header.width() - x, 40)), 1 + random.nextInt(Math.min(header.height() - y, 40)), 1);
                boolean good;
                try {
                    decoder.decode(file, file.length, name, header, part, false, new Picture());
                    good = true;
                } catch (DataException e) {
                    good = false;
                }
                if (good != (digest(decoder, file) != 0)) {
                    different.add(name + ", " + part);
                }
            });
        }
        assertEquals(List.of(), different);
    }

    /** Of the pixels; 0 if the file is bad. */
    private static int digest(ImageDecoder decoder, byte[] file) {
        try {
            return Arrays.hashCode(decoder.decode(file, "x").pixels()) | 1;
        } catch (DataException e) {
            return 0;
        }
    }

    @Test
    void theLoaderCountsWhatIsBad(@TempDir Path folder) throws IOException {
        Path classFolder = Files.createDirectories(folder.resolve("train"));
        int[] bad = {0};
        int[] files = {0};
        try (ImageDecoder decoder = new ImageDecoder()) {
            HostileImages.make(0, (name, file) -> {
                files[0]++;
                TestImages.write(classFolder.resolve(name), file);
                try {
                    decoder.decode(file, name);
                } catch (DataException e) {
                    bad[0]++;
                }
            });
        }
        Files.createSymbolicLink(classFolder.resolve("dangling.jpg"), folder.resolve("nowhere.jpg"));
        Files.createDirectories(classFolder.resolve("folder.jpg"));
        Files.createSymbolicLink(classFolder.resolve("loop"), classFolder);
        try (ImageSource source = ImageSource.open(folder); Loader loader = Loader.evaluate(source, Transform.Eval.of(32)).batch(32).threads(2).open()) {
            int good = 0;
            for (Batch b; (b = loader.next()) != null;) {
                good += b.count();
            }
            assertEquals(files[0], source.size());
            assertEquals(bad[0], loader.badImages());
            assertEquals(files[0] - bad[0], good);
        }
    }
}

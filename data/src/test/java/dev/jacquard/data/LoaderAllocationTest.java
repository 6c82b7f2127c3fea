package dev.jacquard.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the loader itself leaves on the heap per image: little, and no more for larger images. */
@Timeout(60)
class LoaderAllocationTest {
    private static final int IMAGES = 64;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @TempDir
    Path dir;

    /** Encoded images are read into memory that is used again, from every kind of source; a name is made and thrown away. */
    @Test
    void readingLeavesNothingOfTheImagesSize() {
        byte[] large = new byte[300_000];
        Tars tar = new Tars();
        for (int i = 0; i < IMAGES; i++) {
            tar.file("a/" + i + ".jpg", large);
            TestImages.write(dir.resolve("folder/a/" + i + ".jpg"), large);
        }
        TestImages.write(dir.resolve("t.tar"), tar.bytes());
        for (String kind : List.of("folder", "tar", "sequential")) {
            try (ImageSource plain = ImageSource.open(dir.resolve(kind.equals("folder") ? "folder" : "t.tar")); ImageSource source = kind.equals("sequential")
                    ? plain.sequential(8) : plain) {
                Encoded into = new Encoded();
                long least = Long.MAX_VALUE;
                for (int round = 0; round < 5; round++) {
                    int[] order = source.order(1, round, 0);
                    long before = THREADS.getCurrentThreadAllocatedBytes();
                    for (int sample : order) {
                        source.read(sample, into);
                        source.name(sample);
                    }
                    least = Math.min(least, (THREADS.getCurrentThreadAllocatedBytes() - before) / IMAGES);
                }
                System.out.println(kind + ": " + least + " bytes of heap per image read");
                assertTrue(least < 4096, kind + " leaves " + least + " bytes per image");
            }
        }
    }

    /** Consumer and threads together, pixels kept in the cache, so that no decoder takes part. */
    @Test
    void anEpochFromTheCacheLeavesNextToNothing() throws IOException {
        byte[] image = TestImages.encoded(200, 150, "jpg");
        ImageSource source = new TestImages.Source(Collections.nCopies(IMAGES, image));
        try (Loader loader = Loader.train(source, Transform.Train.of(96, 0.5).with(Augmentation.randAugment(2, 5))).batch(8).threads(1).cacheDecoded(1 << 30).open()) {
            long least = Long.MAX_VALUE;
            for (int epoch = 0; epoch < 12; epoch++) {
                long before = THREADS.getTotalThreadAllocatedBytes();
                int n = 0;
                for (Batch b; (b = loader.next()) != null;) {
                    n += b.count();
                }
                assertEquals(IMAGES, n);
                least = Math.min(least, (THREADS.getTotalThreadAllocatedBytes() - before) / IMAGES);
            }
            System.out.println("pipeline without decoding: " + least + " bytes of heap per image of " + 3 * 96 * 96);
            assertTrue(least < 8192, least + " bytes per image");
        }
    }
}

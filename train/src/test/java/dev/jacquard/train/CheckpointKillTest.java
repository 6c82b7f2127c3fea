package dev.jacquard.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process that only saves is killed at random moments; whoever comes next finds a whole checkpoint, never older than what was reported saved. */
class CheckpointKillTest {
    private static final int TRIES = 50;

    @TempDir
    Path folder;

    /** The victim: continues from the newest checkpoint and saves for ever, saying each step once it is safe. */
    public static final class Victim {
        public static void main(String[] args) throws IOException {
            CheckpointStore store = new CheckpointStore(Path.of(args[0]));
            Path newest = store.newest().orElse(null);
            long step = newest == null ? 0 : CheckpointStoreTest.stepOf(newest);
            while (true) {
                step++;
                store.save(step, CheckpointStoreTest.body(step));
                System.out.println(step);
                store.prune(2, Set.of());
            }
        }
    }

    @Test
    void killedFiftyTimesItAlwaysResumesFromAWholeCheckpoint() throws Exception {
        Random random = new Random(7);
        long safe = 0;
        int midway = 0;
        for (int i = 0; i < TRIES; i++) {
            Process p = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                    "-Xshare:auto", "-Xmx64m",
                    "-cp", System.getProperty("java.class.path"), Victim.class.getName(), folder.toString()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
            try (BufferedReader out = new BufferedReader(new InputStreamReader(p.getInputStream(), StandardCharsets.UTF_8))) {
                String line = out.readLine();
                assertNotNull(line, "the process ended by itself");
                long until = System.nanoTime() + random.nextLong(20_000_000);
                while (System.nanoTime() < until) {
                    Thread.onSpinWait();
                }
                p.toHandle().destroyForcibly(); // the process itself would close the pipe unread
                for (; line != null && line.matches("\\d+"); line = out.readLine()) {
                    safe = Long.parseLong(line);
                }
            }
            assertTrue(p.waitFor(20, TimeUnit.SECONDS));
            midway += unfinished();
            long found = CheckpointStoreTest.stepOf(new CheckpointStore(folder).newest().orElseThrow());
            assertTrue(found == safe || found == safe + 1, "found " + found + ", reported safe " + safe);
            assertEquals(0, unfinished());
        }
        assertTrue(midway > TRIES / 5, "only " + midway + " kills fell into a save: the test tests nothing");
    }

    private int unfinished() throws IOException {
        try (Stream<Path> s = Files.list(folder)) {
            return s.anyMatch(p -> p.getFileName().toString().startsWith(".")) ? 1 : 0;
        }
    }
}

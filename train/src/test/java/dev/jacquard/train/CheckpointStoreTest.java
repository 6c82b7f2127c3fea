package dev.jacquard.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.DataException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointStoreTest {
    @TempDir
    Path folder;

    /** Two files whose contents are a function of the step. */
    static CheckpointStore.Body body(long step) {
        return (to, probe) -> {
            Json.write(to.resolve("a.txt"), "a of " + step + "\n".repeat(100));
            probe.at("a written");
            Json.write(to.resolve("b.txt"), "b of " + step);
            probe.at("b written");
        };
    }

    static long stepOf(Path checkpoint) throws IOException {
        String b = Files.readString(checkpoint.resolve("b.txt"));
        long step = Long.parseLong(b.substring(5));
        assertEquals("a of " + step + "\n".repeat(100), Files.readString(checkpoint.resolve("a.txt")));
        return step;
    }

    @Test
    void theNewestIsFoundAndOldOnesGo() throws IOException {
        CheckpointStore store = new CheckpointStore(folder);
        assertEquals(Optional.empty(), store.newest());
        for (long step : new long[] {5, 10, 100, 20}) {
            store.save(step, body(step));
        }
        assertEquals(100, stepOf(store.newest().orElseThrow()));
        store.prune(1, Set.of("step-00000005"));
        assertEquals(List.of("step-00000005", "step-00000100"), names());
    }

    @Test
    void aStepMayBeSavedAgain() throws IOException {
        CheckpointStore store = new CheckpointStore(folder);
        store.save(7, body(1));
        store.save(7, body(2));
        assertEquals(2, stepOf(store.newest().orElseThrow()));
        store.prune(1, Set.of());
        assertEquals(List.of("step-00000007-1"), names());
        store.save(7, body(3));
        assertEquals(3, stepOf(store.newest().orElseThrow()));
    }

    @Test
    void aFailureAtAnyPointOfASaveKeepsTheOneBefore() throws IOException {
        List<String> points = new ArrayList<>();
        new CheckpointStore(folder.resolve("dry"), points::add).save(1, body(1));
        assertEquals(List.of("folder made", "a written", "b written", "files written", "manifest written", "folder forced", "renamed", "parent forced"), points);
        for (String point : points) {
            Path place = folder.resolve(point.replace(' ', '-'));
            new CheckpointStore(place).save(1, body(1));
            CheckpointStore failing = new CheckpointStore(place, p -> {
                if (p.equals(point)) {
                    throw new IOException("No space left on device");
                }
            });
            DataException e = assertThrows(DataException.class, () -> failing.save(2, body(2)));
            assertTrue(e.getMessage().contains("No space left"), e.getMessage());
            boolean durable = point.equals("renamed") || point.equals("parent forced");
            assertEquals(durable ? 2 : 1, stepOf(new CheckpointStore(place).newest().orElseThrow()), point);
            try (Stream<Path> left = Files.list(place)) {
                assertEquals(durable ? 2 : 1, left.count(), "leftovers after " + point);
            }
        }
    }

    @Test
    void aDeathAtAnyPointOfPruningKeepsWhatIsToStay() throws IOException {
        for (String point : List.of("before discarding", "discarded", "deleted")) {
            Path place = folder.resolve(point.replace(' ', '-'));
            CheckpointStore store = new CheckpointStore(place, p -> {
                if (p.equals(point)) {
                    throw new IOException("killed");
                }
            });
            for (int step = 1; step <= 4; step++) {
                store.save(step, body(step));
            }
            assertThrows(DataException.class, () -> store.prune(2, Set.of()));
            CheckpointStore after = new CheckpointStore(place);
            assertEquals(4, stepOf(after.newest().orElseThrow()));
            after.prune(2, Set.of());
            try (Stream<Path> left = Files.list(place)) {
                assertEquals(2, left.count());
            }
        }
    }

    @Test
    void damagedOnesArePassedOver() throws IOException {
        CheckpointStore store = new CheckpointStore(folder);
        for (long step = 1; step <= 5; step++) {
            store.save(step, body(step));
        }
        Files.writeString(folder.resolve("step-00000005/b.txt"), "b of 6");
        Files.delete(folder.resolve("step-00000004/a.txt"));
        Files.writeString(folder.resolve("step-00000003/manifest.json"), "{\"files\": {");
        Files.delete(folder.resolve("step-00000002/manifest.json"));
        assertEquals(1, stepOf(store.newest().orElseThrow()));
    }

    @Test
    void leftoversOfADeadProcessAreRemovedAndStrangersStay() throws IOException {
        Files.createDirectories(folder.resolve(".unfinished-x"));
        Files.writeString(folder.resolve(".unfinished-x/weights.safetensors"), "half");
        Files.createDirectories(folder.resolve(".discarded-y"));
        Files.writeString(folder.resolve("notes.txt"), "mine");
        new CheckpointStore(folder);
        assertEquals(List.of("notes.txt"), names());
    }

    @Test
    void aFolderThatCannotBeMadeIsTheCallersFault() throws IOException {
        Path file = folder.resolve("file");
        Files.writeString(file, "");
        assertThrows(DataException.class, () -> new CheckpointStore(file.resolve("checkpoints")));
        assertFalse(Files.isDirectory(file));
    }

    private List<String> names() throws IOException {
        try (Stream<Path> s = Files.list(folder)) {
            return s.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }
}

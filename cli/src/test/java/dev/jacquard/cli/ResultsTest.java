package dev.jacquard.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.CallerException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files of measurements, and what repeated ones come to. */
class ResultsTest {
    @TempDir
    private Path folder;

    private Results results;

    @BeforeEach
    void aFolderThatIsNotThere() {
        results = new Results(folder.resolve("r/x.csv"), List.of("k", "engine", "v"), List.of("k"));
    }

    @Test
    void rowsOfAPieceAreReplaced() throws IOException {
        results.put(List.of(Map.of("k", "1", "engine", "a", "v", "x,y"), Map.of("k", "1", "engine", "b")));
        results.put(List.of(Map.of("k", "2", "engine", "a", "v", "3")));
        results.put(List.of(Map.of("k", "1", "engine", "a", "v", "4")));
        assertEquals("k,engine,v\n2,a,3\n1,a,4\n", Files.readString(results.file()));
    }

    @Test
    void rowsAreAdded() throws IOException {
        results.add(List.of());
        results.add(List.of(Map.of("k", "1", "engine", "a", "v", "x,y")));
        results.add(List.of(Map.of("k", "1", "engine", "b")));
        assertEquals("k,engine,v\n1,a,x;y\n1,b,\n", Files.readString(results.file()));
        assertEquals(results.rows(), Results.read(results.file()));
    }

    @Test
    void otherColumnsAreNotOverwritten() throws IOException {
        results.add(List.of(Map.of("k", "1")));
        Results other = new Results(results.file(), List.of("k", "other"), List.of("k"));
        CallerException e = assertThrows(CallerException.class, () -> other.add(List.of(Map.of("k", "2"))));
        assertTrue(e.getMessage().contains("has other columns"), e.getMessage());
        assertEquals(1, results.rows().size());
    }

    @Test
    void leastMedianAndMost() {
        assertEquals(new Spread(1, 2, 3), Spread.of(3, 1, 2));
        assertEquals(new Spread(1, 2.5, 4), Spread.of(List.of(4.0, 1.0, 2.0, 3.0)));
        assertEquals("", Spread.text("%.1f", Spread.of().median()), "nothing was measured");
        assertEquals("2.5", Spread.text("%.1f", 2.5));
    }
}

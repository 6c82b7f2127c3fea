package dev.jacquard.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.CallerException;
import java.io.StringReader;
import java.nio.file.Path;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xml.sax.InputSource;

class RunComparisonTest {
    @TempDir
    Path folder;

    private Path run(String name, double... losses) throws Exception {
        Path run = java.nio.file.Files.createDirectory(folder.resolve(name));
        try (RunLog log = RunLog.open(run.resolve("log.jsonl"), 0, true)) {
            for (int i = 0; i < losses.length; i++) {
                log.append(RunLog.Line.step(i + 1, 1, losses[i], 0.1, 1, i));
            }
        }
        return run;
    }

    @Test
    void theDeviationIsTheLargestOfWholeWindows() throws Exception {
        RunComparison c = RunComparison.of(List.of(run("f32", 4, 2, 2, 2), run("fp16", 8, 2, 3, 1)), 2);
        assertEquals(0, c.runs().getFirst().deviation());
        assertArrayEquals(new double[] {8, 5, 2.5, 2}, c.runs().getLast().smoothed());
        assertEquals(5 / 3.0 - 1, c.runs().getLast().deviation(), 1e-12); // the first step is no window: 8 against 4 does not count
        assertNull(c.runs().getLast().top1());
    }

    @Test
    void onlyStepsThatAllHaveAreCompared() throws Exception {
        RunComparison c = RunComparison.of(List.of(run("long", 3, 2, 1, 1), run("short", 3, 2)), 1);
        assertArrayEquals(new long[] {1, 2}, c.runs().getFirst().steps());
        assertEquals(0, c.runs().getLast().deviation());
    }

    @Test
    void thePictureIsWellFormed() throws Exception {
        String svg = RunComparison.of(List.of(run("a<b", 3, 2), run("c&d", 3, 1)), 1).svg("\"x\" & <y>");
        DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(svg)));
        assertTrue(svg.contains("a&lt;b") && svg.contains("c&amp;d"));
        assertFalse(svg.contains("var("), "colours that few viewers know");
    }

    @Test
    void tooLittleIsRefused() throws Exception {
        Path one = run("one", 1, 2, 3);
        Path two = run("two", 1, 2, 3);
        assertThrows(CallerException.class, () -> RunComparison.of(List.of(one), 1));
        assertThrows(CallerException.class, () -> RunComparison.of(List.of(one, two), 4));
    }
}

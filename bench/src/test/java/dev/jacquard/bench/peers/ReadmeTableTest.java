package dev.jacquard.bench.peers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tensor.CallerException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReadmeTableTest {
    private static final String HEADER = String.join(",", Contest.COLUMNS);

    @TempDir
    Path folder;

    private static Path root() {
        Path here = Path.of("").toAbsolutePath();
        return Files.exists(here.resolve("mvnw")) ? here : here.getParent();
    }

    @Test
    void theReadmeSaysWhatTheFilesSay() throws IOException {
        String readme = Files.readString(root().resolve("README.md"));
        assertEquals(new ReadmeTable(root().resolve("bench/results")).replaced(readme), readme, "README.md is older than bench/results: run bench/peers --table");
    }

    private static String row(String date, String engine, int batch, String ms, String percent) {
        return "%s,abc,infer,resnet50,%d,224,%s,v,machine,2,25,5,%s,1,2,3,4,5,%s,400,0,1,2".formatted(date, batch, engine, ms, percent);
    }

    @Test
    void theNewestFileCounts() throws IOException {
        Files.write(folder.resolve("peers-infer-f32-224px-b-jdk25.csv"), List.of(HEADER, row("2026-11-20", "jacquard", 1, "99", "9")));
        Files.write(folder.resolve("peers-infer-f32-224px-a-jdk25.csv"),
                List.of(HEADER, row("2026-11-22", "onnxruntime", 1, "25.12", "70"), row("2026-11-22", "jacquard", 1, "20.04", "80.4"),
                row("2026-11-22", "djl", 16, "1234.5", "20"), row("2026-11-22", "jacquard", 16, "19", "70").replace(",machine,2,", ",machine,1,"),
                row("2026-11-22", "jacquard", 16, "9.876", "")));
        List<String> lines = new ReadmeTable(folder).table().lines().toList();
        assertEquals("| | Jacquard | ONNX Runtime | LibTorch, DJL | best peer / Jacquard | of FMA peak |", lines.get(2));
        assertEquals("| resnet50, inference, batch 1 | **20.0** | 25.1 |  | 1.25 | 80 % |", lines.get(4));
        assertEquals("| resnet50, inference, batch 16 | **9.88** |  | 1235 | 125.00 |  |", lines.get(5));
        assertTrue(lines.getLast().contains("a-jdk25.csv") && lines.getLast().contains("2026-11-22"), lines.getLast());
    }

    @Test
    void onlyWhatIsMarkedChanges() throws IOException {
        ReadmeTable none = new ReadmeTable(folder);
        assertEquals("", none.table());
        String text = "a\n" + ReadmeTable.BEGIN + "\nold\n" + ReadmeTable.END + "\nb\n";
        assertEquals("a\n" + ReadmeTable.BEGIN + "\n" + ReadmeTable.END + "\nb\n", none.replaced(text));
        assertThrows(CallerException.class, () -> none.replaced("no marks"));
    }
}

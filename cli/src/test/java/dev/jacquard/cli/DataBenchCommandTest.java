package dev.jacquard.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataBenchCommandTest {
    @TempDir
    private Path folder;

    @BeforeEach
    void pictures() throws IOException {
        for (int i = 0; i < 8; i++) {
            Path file = folder.resolve("images/class" + i % 2 + "/" + i + ".jpg");
            Files.createDirectories(file.getParent());
            ImageIO.write(new BufferedImage(40 + i, 30, BufferedImage.TYPE_INT_RGB), "jpg", file.toFile());
        }
    }

    private String bench(int code, String... flags) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        List<String> args = new ArrayList<>(List.of("data", "bench", "--data", folder.resolve("images").toString(), "--batch", "4", "--image-size", "16", "--seconds", "0.02",
                "--workers", "1"));
        args.addAll(Arrays.asList(flags));
        assertEquals(code, Main.run(args.toArray(String[]::new), new PrintWriter(out), new PrintWriter(err)), err.toString());
        return code == 0 ? out.toString() : err.toString();
    }

    @Test
    void eachPipelineAndStageHasARow() throws IOException {
        Path csv = folder.resolve("r.csv");
        String text = bench(0, "--csv", csv.toString());
        assertTrue(text.contains("images of images, 16 px, batches of 4, 1 workers"), text);
        bench(0, "--pipelines", "crop", "--csv", csv.toString());
        List<String[]> rows = Files.readAllLines(csv).stream().map(l -> l.split(",", -1)).toList();
        int columns = rows.getFirst().length;
        assertEquals(2, rows.stream().filter(r -> r[3].equals("crop") && r[4].equals("pipeline")).count(), "rows are added to a file");
        for (String pipeline : List.of("autoaugment", "randaugment")) {
            List<String> stages = rows.stream().filter(r -> r[3].equals(pipeline)).map(r -> r[4]).toList();
            assertTrue(stages.containsAll(List.of("pipeline", "read", "decode", "resize", "augment", "all")), stages.toString());
        }
        for (String[] row : rows.subList(1, rows.size())) {
            assertEquals(columns, row.length);
            assertTrue(Double.parseDouble(row[13]) > 0, String.join(",", row));
        }
    }

    @Test
    void refusesWhatItCannotDo() throws IOException {
        assertTrue(bench(2, "--pipelines", "mosaic").contains("mosaic"));
        assertTrue(bench(2, "--rounds", "0").contains("--rounds 0"));
        assertTrue(bench(2, "--compare", "--script", "nowhere.py").contains("nowhere.py"));
        Path csv = Files.writeString(folder.resolve("other.csv"), "a,b\n");
        assertTrue(bench(2, "--pipelines", "crop", "--csv", csv.toString()).contains("other columns"));
    }
}

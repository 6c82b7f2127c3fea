package dev.jacquard.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import dev.jacquard.data.StageTimes;
import dev.jacquard.mixedprecision.LossScaler;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DataException;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xml.sax.InputSource;

class RunFilesTest {
    @TempDir
    Path folder;

    @Test
    void aConfigurationReadsBackAsItWasWritten() {
        TrainConfig c = TrainConfig.defaults().withClasses(10);
        c.write(folder.resolve("config.json"));
        assertEquals(c, TrainConfig.read(folder.resolve("config.json")));
    }

    @Test
    void damagedOrAbsurdConfigurationsAreNamed() throws IOException {
        Path file = folder.resolve("config.json");
        for (String text : List.of("", "{", "[]", "{}", "{\"arch\": 3}", "null")) {
            Files.writeString(file, text);
            DataException e = assertThrows(DataException.class, () -> TrainConfig.read(file), text);
            assertTrue(e.getMessage().startsWith(file.toString()) && !e.getMessage().contains("\n"), e.getMessage());
        }
        TrainConfig c = TrainConfig.defaults();
        Files.writeString(file, Settings.json(c).replace("\"epochs\": " + c.schedule().epochs(), "\"epochs\": 0"));
        assertTrue(assertThrows(CallerException.class, () -> TrainConfig.read(file)).getMessage().startsWith("--epochs: "));
    }

    @Test
    void aRunFolderBelongsToOneRun() {
        Path run = folder.resolve("a/b");
        try (RunFolder first = RunFolder.create(run)) {
            assertTrue(assertThrows(DataException.class, () -> RunFolder.create(run)).getMessage().contains("in use"));
            TrainConfig.defaults().write(first.config());
            assertThrows(DataException.class, () -> RunFolder.resume(run));
        }
        DataException e = assertThrows(DataException.class, () -> RunFolder.create(run));
        assertTrue(e.getMessage().contains("already holds a run") && e.getMessage().contains("--resume"), e.getMessage());
        RunFolder.resume(run).close();
        assertThrows(DataException.class, () -> RunFolder.resume(folder));
    }

    @Test
    void aRunThatNeverBeganLeavesNothing() {
        RunFolder.create(folder.resolve("x")).close();
        assertFalse(Files.exists(folder.resolve("x")));
        try (RunFolder a = RunFolder.createNumbered(folder.resolve("run"), "net"); RunFolder b = RunFolder.createNumbered(folder.resolve("run"), "net")) {
            assertEquals("net-1", a.path().getFileName().toString());
            assertEquals("net-2", b.path().getFileName().toString());
        }
    }

    @Test
    void aFileInThePlaceOfTheFolderIsNamed() throws IOException {
        Path file = folder.resolve("file");
        Files.writeString(file, "");
        assertThrows(DataException.class, () -> RunFolder.create(file));
        assertThrows(DataException.class, () -> RunFolder.create(file.resolve("below")));
    }

    private static void fill(Path file) {
        try (RunLog log = RunLog.open(file, 0, false)) {
            for (int step = 10; step <= 40; step += 10) {
                log.append(RunLog.Line.step(step, 1 + step / 21, 2.5 / step, 0.1, 100, step));
                if (step % 20 == 0) {
                    log.append(RunLog.Line.epoch(step, step / 20, 0.1, 100, step, 2.5 / step, new Validation.Result(new Evaluation(0.5, 90, 99, 1000), null)));
                }
            }
        }
    }

    @Test
    void theLogIsAJsonObjectPerLine() throws IOException {
        Path file = folder.resolve("log.jsonl");
        fill(file);
        List<String> lines = Files.readAllLines(file);
        assertEquals(6, lines.size());
        lines.forEach(l -> assertTrue(JsonParser.parseString(l).getAsJsonObject().has("step")));
        assertEquals("{\"event\":\"step\",\"step\":10,\"epoch\":1,\"loss\":0.25,\"lr\":0.1,\"images_per_second\":100.0,\"time\":10.0}", lines.getFirst());
        assertEquals(90, RunLog.lines(file).get(2).val_top1());
    }

    @Test
    void resumingTakesBackLaterLinesAndHalfOnes() throws IOException {
        Path file = folder.resolve("log.jsonl");
        fill(file);
        Files.writeString(file, Files.readString(file) + "{\"event\":\"st");
        RunLog.open(file, 20, true).close();
        assertEquals(3, RunLog.lines(file).size());
        RunLog.open(file, 20, false).close();
        assertEquals(2, RunLog.lines(file).size());
        RunLog.open(file, 0, false).close();
        assertEquals(0, RunLog.lines(file).size());
    }

    @Test
    void smallLearningRatesKeepTheirDigits() {
        Path file = folder.resolve("small.jsonl");
        try (RunLog log = RunLog.open(file, 0, false)) {
            log.append(RunLog.Line.step(1, 1, 12.3456789, 4.0912345678e-6, 100, 1));
        }
        assertEquals(4.09123457e-6, RunLog.lines(file).getFirst().lr(), 0);
        assertEquals(12.345679, RunLog.lines(file).getFirst().loss(), 0);
    }

    @Test
    void whatPicturesCostIsInTheLog() throws IOException {
        Path file = folder.resolve("fed.jsonl");
        try (RunLog log = RunLog.open(file, 0, false)) {
            log.append(RunLog.Line.step(1, 1, 2, 0.1, 3, 4).scaled(new LossScaler.Reading(8, 5)).fed(new DataShare(0.25, StageTimes.Stage.DECODE, 310.5, 2)));
            log.append(RunLog.Line.step(2, 1, 2, 0.1, 3, 4).fed(new DataShare(0, null, 0, 2)).scaled(new LossScaler.Reading(8, 5)));
        }
        List<String> lines = Files.readAllLines(file);
        assertTrue(lines.getFirst().endsWith("\"skipped\":5,\"data_wait\":0.25,\"data_stage\":\"decode\",\"data_images_per_second\":310.5}"), lines.getFirst());
        assertTrue(lines.getLast().endsWith("\"skipped\":5,\"data_wait\":0.0}"), lines.getLast());
        assertEquals("decode", RunLog.lines(file).getFirst().data_stage());
    }

    @Test
    void numbersThatAreNoneAreLeftOut() throws IOException {
        Path file = folder.resolve("log.jsonl");
        try (RunLog log = RunLog.open(file, 0, false)) {
            log.append(RunLog.Line.step(1, 1, Double.NaN, 1e-9, Double.POSITIVE_INFINITY, 1));
        }
        assertEquals("{\"event\":\"step\",\"step\":1,\"epoch\":1,\"lr\":1.0E-9,\"time\":1.0}", Files.readString(file).strip());
    }

    @Test
    void theCurvesAreWellFormedAndNeedNoNetwork() throws Exception {
        Path file = folder.resolve("log.jsonl");
        fill(file);
        Curves.write(folder.resolve("curves.html"), "resnet18 <&>", file);
        String html = Files.readString(folder.resolve("curves.html"));
        assertFalse(html.contains("http") || html.contains("src=") || html.contains("url(") || html.contains("<script"), "reaches out");
        assertTrue(html.contains("resnet18 &lt;&amp;&gt;") && html.contains("best top-1 90.00 %"));
        assertEquals(3, html.split("<svg ", -1).length - 1);
        assertFalse(html.contains("NaN"));
        String body = html.substring(html.indexOf("<body>"), html.indexOf("</html>"));
        DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(body)));
    }

    @Test
    void curvesOfAnEmptyOrOneLineLogAreFine() {
        assertTrue(Curves.html("x", List.of()).contains("Nothing logged yet"));
        assertFalse(Curves.html("x", List.of(RunLog.Line.step(1, 1, 0, 0, 1, 1))).contains("NaN"));
    }

    @Test
    void aNumberedRunThatNeverBeganLeavesNothing() throws IOException {
        Path parent = folder.resolve("run");
        RunFolder.createNumbered(parent, "net").close();
        assertFalse(Files.exists(parent), "the folder that was made for it");
        Files.createDirectory(parent);
        RunFolder.createNumbered(parent, "net").close();
        assertTrue(Files.isDirectory(parent), "a folder that was there stays");
    }

    @Test
    void oneValueFarAboveTheOthersDoesNotFlattenTheCurve() {
        List<RunLog.Line> log = new ArrayList<>();
        for (int i = 1; i <= 60; i++) {
            log.add(RunLog.Line.step(i, 1, i == 5 ? 500 : 2 + 0.01 * i, 0.1, 1, i));
        }
        String html = Curves.html("x", log);
        assertTrue(html.contains(">3</text>"), "the loss's axis ends near 3");
        assertFalse(html.contains(">500</text>"), "and not where the one value is");
    }
}

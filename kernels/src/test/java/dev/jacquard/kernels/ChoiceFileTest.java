package dev.jacquard.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChoiceFileTest {
    private static final String DEVICE = "NVIDIA H200, sm_90, driver 13000";
    private static final int LINES = 60;

    @TempDir
    Path folder;

    private static ChoiceFile.Line line(String name) {
        return new ChoiceFile.Line(name, 12.5);
    }

    @Test
    void whatIsSavedIsReadAndSorted() throws IOException {
        ChoiceFile file = new ChoiceFile(folder.resolve("made/on/demand"), DEVICE);
        file.put("b op", line("mma 128x128"));
        file.put("a op", line("cublasLt 3"));
        file.save();
        file.save();
        assertEquals(List.of("# jacquard choices 1", "# " + DEVICE, "a op\tcublasLt 3\t12.50", "b op\tmma 128x128\t12.50"), Files.readAllLines(file.path()));
        assertTrue(file.path().getFileName().toString().startsWith("choices-nvidia-h200-"), file.path().toString());
        assertEquals(Optional.of(line("mma 128x128")), new ChoiceFile(folder.resolve("made/on/demand"), DEVICE).get("b op"));
    }

    @Test
    void anotherDriverKnowsNothing() {
        ChoiceFile file = new ChoiceFile(folder, DEVICE);
        file.put("op", line("x"));
        file.save();
        assertEquals(Optional.empty(), new ChoiceFile(folder, DEVICE + "1").get("op"));
    }

    @Test
    void damagedLinesArePassedOverAndTheNextSaveLeavesThemOut() throws IOException {
        ChoiceFile file = new ChoiceFile(folder, DEVICE);
        file.put("op", line("x"));
        file.save();
        Files.writeString(file.path(), Files.readString(file.path()) + "no tabs\nop 2\t\t1.00\nop 3\tname\tfast\nop 4\tname\t1.0");
        ChoiceFile again = new ChoiceFile(folder, DEVICE);
        assertEquals(Optional.of(line("x")), again.get("op"));
        for (String op : List.of("op 2", "op 3", "op 4")) {
            assertEquals(Optional.empty(), again.get(op));
        }
        again.put("op 2", line("y"));
        again.save();
        assertEquals(4, Files.readAllLines(file.path()).size());
    }

    @Test
    void aFileOfAnotherKindIsWrittenAnew() throws IOException {
        ChoiceFile file = new ChoiceFile(folder, DEVICE);
        Files.write(file.path(), new byte[] {0, -1, 17});
        ChoiceFile again = new ChoiceFile(folder, DEVICE);
        assertEquals(Optional.empty(), again.get("op"));
        again.put("op", line("x"));
        again.save();
        assertEquals(Optional.of(line("x")), new ChoiceFile(folder, DEVICE).get("op"));
    }

    /** Empty, nothing but ends of lines, UTF-16, a picture: whatever people and programs leave there. */
    @Test
    void whateverIsInTheFileIsNoReasonToStop() throws IOException {
        ChoiceFile file = new ChoiceFile(folder, DEVICE);
        for (byte[] content : List.of(new byte[0], "\n\n\n".getBytes(StandardCharsets.UTF_8), "# jacquard choices 1".getBytes(StandardCharsets.UTF_16), new byte[1 << 20])) {
            Files.write(file.path(), content);
            ChoiceFile again = new ChoiceFile(folder, DEVICE);
            assertEquals(Optional.empty(), again.get("op"));
            again.put("op", line("x"));
            again.save();
            assertEquals(Optional.of(line("x")), new ChoiceFile(folder, DEVICE).get("op"));
        }
    }

    @Test
    void aFolderInTheFilesPlaceCostsTheMeasurementsOnly() throws IOException {
        Path inTheWay = Files.createDirectories(new ChoiceFile(folder, DEVICE).path());
        ChoiceFile file = new ChoiceFile(folder, DEVICE);
        file.put("op", line("x"));
        file.save();
        assertEquals(Optional.of(line("x")), file.get("op"));
        try (Stream<Path> left = Files.list(folder)) {
            assertEquals(List.of(inTheWay, Path.of(inTheWay + ".lock")), left.sorted().toList(), "nothing half written");
        }
    }

    @Test
    void theFolderIsWhereItWasSaidToBe() {
        assertEquals(Path.of("here/jacquard-choices"), ChoiceFile.folder("here/jacquard-choices", "/caches", "/home/a"));
        assertEquals(Path.of("/caches/jacquard"), ChoiceFile.folder(" ", "/caches", "/home/a"));
        for (String caches : new String[] {null, "", "relative"}) {
            assertEquals(Path.of("/home/a/.cache/jacquard"), ChoiceFile.folder(null, caches, "/home/a"));
        }
        assertTrue(new ChoiceFile(Path.of(""), DEVICE).path().isAbsolute(), "a folder that has a parent, also where the process's own is meant");
    }

    @Test
    void aFolderThatCannotBeMadeCostsTheMeasurementsOnly() throws IOException {
        Path inTheWay = Files.writeString(folder.resolve("file"), "");
        ChoiceFile file = new ChoiceFile(inTheWay.resolve("below"), DEVICE);
        file.put("op", line("x"));
        file.save();
        assertEquals(Optional.of(line("x")), file.get("op"));
    }

    @Test
    void processesTakeTurns() throws IOException, InterruptedException {
        List<Process> writers = new ArrayList<>();
        for (String name : List.of("one", "two")) {
            writers.add(new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp", System.getProperty("java.class.path"), Writer.class.getName(),
                    folder.toString(), name).inheritIO().start());
        }
        for (Process p : writers) {
            assertTrue(p.waitFor(60, TimeUnit.SECONDS));
            assertEquals(0, p.exitValue());
        }
        ChoiceFile all = new ChoiceFile(folder, DEVICE);
        for (int i = 0; i < LINES; i++) {
            assertEquals(Optional.of(line("one")), all.get("one " + i));
            assertEquals(Optional.of(line("two")), all.get("two " + i));
        }
    }

    /** A process that adds lines one by one. */
    static final class Writer {
        private Writer() {}

        public static void main(String[] args) {
            ChoiceFile file = new ChoiceFile(Path.of(args[0]), DEVICE);
            for (int i = 0; i < LINES; i++) {
                file.put(args[1] + " " + i, line(args[1]));
                file.save();
            }
        }
    }
}

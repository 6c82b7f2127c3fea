package dev.jacquard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.cli.Main;
import dev.jacquard.train.RunLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What only a process of its own can show: signals, and a disk that takes no more. */
@DisabledOnOs(OS.WINDOWS)
class ProcessTest {
    @TempDir
    Path folder;

    /** @param before shell commands that come first, such as a limit */
    private Process train(String before, String arguments) throws IOException {
        List<String> java = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED", "-Xmx1g", "-cp", System.getProperty("java.class.path"), Main.class.getName(), "train"));
        java.addAll(List.of(arguments.split(" ")));
        List<String> command = new ArrayList<>(List.of("sh", "-c", before + "exec \"$@\"", "sh"));
        command.addAll(java);
        return new ProcessBuilder(command).directory(folder.toFile()).redirectOutput(folder.resolve("out").toFile()).redirectError(folder.resolve("err").toFile()).start();
    }

    /** Standard error without the remark of the JVM on its incubating module. */
    private String errors() throws IOException {
        return String.join("\n", Files.readAllLines(folder.resolve("err")).stream().filter(l -> !l.contains("incubator modules")).toList());
    }

    private int steps() throws IOException {
        Path log = folder.resolve("run/resnet18-1/log.jsonl");
        return Files.exists(log) ? RunLog.lines(log).size() : 0;
    }

    @Test
    void controlCSavesACheckpointAndEndsCleanly() throws Exception {
        Process p = train("", "--epochs 500 --generated-images 64 --batch 16 --log-steps 1 --threads 2");
        for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120); steps() < 3 && p.isAlive() && System.nanoTime() < end;) {
            Thread.sleep(50);
        }
        assertTrue(p.isAlive(), errors());
        new ProcessBuilder("kill", "-INT", Long.toString(p.pid())).start().waitFor();
        assertTrue(p.waitFor(120, TimeUnit.SECONDS), "does not end");
        assertEquals(130, p.exitValue(), errors());
        assertEquals("", errors());
        String out = Files.readString(folder.resolve("out"));
        assertTrue(out.contains("stopped after step") && out.contains("./jacquard train --resume --out run/resnet18-1"), out);
        assertTrue(Files.readString(folder.resolve("run/resnet18-1/result.json")).contains("\"complete\": false"));
        try (Stream<Path> saved = Files.list(folder.resolve("run/resnet18-1/checkpoints"))) {
            assertTrue(saved.anyMatch(c -> Files.exists(c.resolve("manifest.json"))));
        }
    }

    @Test
    void aDiskThatTakesNoMoreIsTheCallersFaultAndLeavesNoHalfCheckpoint() throws Exception {
        // No file may grow beyond some megabytes; the weights have 45.
        Process p = train("ulimit -f 8000; ", "--epochs 1 --generated-images 32 --batch 16 --threads 2");
        assertTrue(p.waitFor(120, TimeUnit.SECONDS), "does not end");
        assertEquals(2, p.exitValue(), errors());
        assertTrue(errors().startsWith("error: ") && errors().contains("cannot be written") && !errors().contains("\n"), errors());
        try (Stream<Path> left = Files.list(folder.resolve("run/resnet18-1/checkpoints"))) {
            assertEquals(List.of(), left.toList());
        }
        assertFalse(Files.exists(folder.resolve("run/resnet18-1/last.safetensors")));
    }
}

package dev.jacquard.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import dev.jacquard.data.StageTimes;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.train.DataShare;
import dev.jacquard.train.RunLog;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class MainTest {
    private record Result(int code, String out, String err) {}

    private static Result run(String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.run(args, new PrintWriter(out), new PrintWriter(err));
        return new Result(code, out.toString(), err.toString());
    }

    @Test
    void helpIsHelp() {
        for (String[] args : new String[][] {{}, {"--help"}, {"train", "--help"}, {"predict", "-h"}}) {
            Result r = run(args);
            assertEquals(0, r.code);
            assertTrue(r.out.contains("Usage: jacquard"), r.out);
            assertEquals("", r.err);
        }
    }

    @Test
    void usageErrorsAreOneLine() {
        for (String args : new String[] {"trian", "train --nonsense", "predict --weights x", "classify --weights x", "train --device"}) {
            Result r = run(args.split(" "));
            assertEquals(2, r.code, args);
            assertTrue(r.err.startsWith("error: ") && r.err.indexOf('\n') == r.err.length() - 1 && r.err.contains("--help"), args + ": " + r.err);
            assertEquals("", r.out);
        }
    }

    @Test
    void settingsThatMakeNoSenseAreRefusedInOneLineAndNothingIsMade() {
        for (String[] c : new String[][] {{"--epochs ten", "--epochs: no such value"}, {"--lr nan", "--lr: no such value"}, {"--lr_init NaN", "--lr: out of range"},
                {"--lr 1e999", "--lr: out of range"},
                {"--lr-milestones NaN", "--lr-milestones: out of range"}, {"--lr-milestones -5,3", "--lr-milestones: out of range"},
                {"--lr-multipliers NaN,1,1,1", "--lr-multipliers: out of range"},
                {"--nesterov --momentum 0", "--nesterov: "}, {"--nesterov --optimizer rmsprop", "--nesterov: "},
                {"--optimizer rmsprop --optimizer-form paddle", "--optimizer-form: "},
                {"--generated-images 64 --batch 16 --image-size 16 --epochs 2 --optimizer-batch-size 999", "--optimizer-batch-size: no update"},
                {"--dry-run --resume", "--dry-run: "}, {"--lr-at 3", "--lr-at: "}}) {
            Result r = run(("train --max-steps 1 --out never-made " + c[0]).split(" "));
            assertEquals(2, r.code, c[0]);
            assertTrue(r.err.startsWith("error: " + c[1]) && r.err.indexOf('\n') == r.err.length() - 1, c[0] + ": " + r.err);
            assertFalse(Files.exists(Path.of("never-made")), c[0]);
        }
    }

    @Test
    void nesterovOfTheRecipeIsNoneOfAnotherOptimizer() {
        assertTrue(run("train", "--dry-run").out.contains("nesterov true"));
        assertTrue(run("train", "--dry-run", "--optimizer", "rmsprop").out.contains("nesterov false"));
        assertTrue(run("train", "--dry-run", "--momentum", "0").out.contains("nesterov false"));
    }

    @Test
    void modelsAreListedWithWhatTheyCost() {
        JsonArray models = JsonParser.parseString(run("models", "--json").out).getAsJsonArray();
        JsonElement resnet50 = models.asList().stream().filter(m -> m.getAsJsonObject().get("name").getAsString().equals("resnet50")).findFirst().orElseThrow();
        assertEquals(25_557_032, resnet50.getAsJsonObject().get("parameters").getAsLong());
        assertEquals(4_089_184_256L, resnet50.getAsJsonObject().get("macs").getAsLong());
        assertEquals(224, resnet50.getAsJsonObject().get("resolution").getAsInt());
        assertEquals(53_120, resnet50.getAsJsonObject().get("statistics").getAsLong());
        assertEquals("ResNet", resnet50.getAsJsonObject().get("family").getAsString());
        assertTrue(run("models").out.contains("25,557,032"));
    }

    @Test
    void theDoctorNamesTheDevices() {
        Result r = run("doctor");
        assertEquals(0, r.code);
        assertTrue(r.out.contains("device cpu") && r.out.contains("device cuda") && r.out.contains("--cpu-kernels"), r.out);
        // What was looked for, and where, whether it is there or not.
        for (String part : new String[] {"libcuda.so.1", "libcublas.so.1", "libcudnn.so.9", "-Djacquard.cuda.libs", "LD_LIBRARY_PATH", "CUDA_HOME", "site-packages/nvidia"}) {
            assertTrue(r.out.contains(part), part + ": " + r.out);
        }
    }

    @Test
    void aDeviceThatIsNotThereIsAnError() {
        Optional<String> why = Backends.providers().stream().filter(p -> p.name().equals("cuda")).findFirst().orElseThrow().unavailable();
        for (String device : why.isPresent() ? List.of("cuda", "cuda:1", "cuda:x", "cpu:1", "tpu") : List.of("cuda:99", "cuda:x", "cpu:1", "tpu")) {
            Result r = run("train", "--device", device, "--out", "never-made");
            assertEquals(2, r.code, device);
            assertTrue(r.err.startsWith("error: ") && r.err.contains(device) && r.err.indexOf('\n') == r.err.length() - 1, device + ": " + r.err);
            assertTrue(why.isEmpty() || !device.startsWith("cuda") || r.err.contains(why.get()), r.err);
            assertFalse(Files.exists(Path.of("never-made")));
        }
    }

    @Test
    void progressTellsOfSkippedUpdatesOnce() throws InterruptedException {
        StringWriter text = new StringWriter();
        ProgressLine p = new ProgressLine(new PrintWriter(text), true, 64, 3);
        p.skipped(10, 64, 1);
        p.step(10, 300, 1, 2.3, 0.1, 640);
        assertTrue(text.toString().contains("ETA 0:29  loss scale 64, 1 update skipped"), text.toString());
        Thread.sleep(250); // a terminal's line changes five times a second at most
        p.step(20, 300, 1, 2.3, 0.1, 640);
        assertEquals(1, text.toString().split("skipped", -1).length - 1, text.toString());
        p.skipped(30, 0.125, 12);
        Thread.sleep(250);
        p.step(30, 300, 1, 2.3, 0.1, 640);
        assertTrue(text.toString().contains("loss scale 0.1250, 12 updates skipped"), text.toString());
    }

    @Test
    void progressSaysOnceWhatToSpeedUpAndGoesOnCounting() {
        StringWriter text = new StringWriter();
        ProgressLine p = new ProgressLine(new PrintWriter(text), true, 64, 3);
        p.waited(10, new DataShare(0.23, StageTimes.Stage.AUGMENT, 310, 1));
        p.waited(20, new DataShare(0.12, StageTimes.Stage.AUGMENT, 310, 1));
        p.step(20, 300, 1, 2.3, 0.1, 640);
        String s = text.toString();
        assertEquals(1, s.split("to speed it up", -1).length - 1, s);
        assertTrue(s.contains("cheaper --augmentation"), s);
        assertTrue(s.contains("ETA 0:28  12 % of the time waiting for data: augment, 310 images/s per core"), s);
    }

    @Test
    void progressIsLinesWhenPipedAndOneLineOnATerminal() {
        for (boolean terminal : new boolean[] {false, true}) {
            StringWriter text = new StringWriter();
            ProgressLine p = new ProgressLine(new PrintWriter(text), terminal, 64, 3);
            p.step(10, 300, 1, 2.3, 0.1, 640);
            p.step(11, 300, 1, 2.3, 0.1, 640);
            p.epoch(new RunLog.Line("epoch", 100, 1, null, 0.1, 640.0, 65, 2.0, 1.5, 50.0, 90.0, 1.4, 51.25, 91.0, null, null, null, null, null), true);
            String s = text.toString();
            assertTrue(s.contains("epoch 1/3  step 10/300  loss 2.3000  lr 0.10000  640 images/s  ETA 0:29"), s);
            assertFalse(s.contains("step 11/300"), "too soon");
            assertEquals(terminal, s.contains("\r"));
            assertTrue(s.contains("top-1 50.00 %") && s.contains("averaged: loss 1.4000  top-1 51.25 %") && s.contains("1:05  best"), s);
        }
    }
}

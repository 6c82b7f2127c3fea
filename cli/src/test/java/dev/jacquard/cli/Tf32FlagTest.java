package dev.jacquard.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code --tf32} with and without a value, and a training that it changes. */
class Tf32FlagTest {
    @TempDir
    Path folder;

    private record Result(int code, String out, String err) {}

    private static Result run(String args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.run(args.split(" "), new PrintWriter(out), new PrintWriter(err));
        return new Result(code, out.toString(), err.toString());
    }

    @ParameterizedTest
    @CsvSource({"--tf32, on", "--tf32 --batch 8, on", "--tf32 on, on", "--tf32=off, off", "--no-tf32, off", "--tf32 emulate, emulate", "--tf32 EMULATE, emulate"})
    void theFlagIsHeard(String flags, String value) {
        Result r = run("train --dry-run " + flags);
        assertEquals(0, r.code, r.err);
        String typed = r.out.substring(r.out.indexOf("from flags"), r.out.indexOf("from the recipe"));
        assertTrue(typed.contains("tf32 " + value), r.out);
    }

    @Test
    void itIsOnWhereNobodySaysAnything() {
        assertTrue(run("train --dry-run").out.contains("tf32 on"));
        assertTrue(run("recipes pytorch/resnet50/v100-16g-fp32-90e").out.contains("tf32 off"), "V100 had none, and A100 with that recipe is to compute what V100 did");
    }

    @ParameterizedTest
    @CsvSource({"train --dry-run --tf32 maybe", "selftest --device cpu --tf32 maybe", "plan --arch resnet18 --tf32 maybe"})
    void anotherWordIsRefused(String command) {
        Result r = run(command);
        assertTrue(r.code == 2 && r.err.startsWith("error: --tf32") && r.err.contains("on, off") && r.err.contains("emulate") && r.err.indexOf('\n') == r.err.length() - 1,
                r.err + r.out);
    }

    @Test
    void aPlanIsOfWhatItsTypeSays() {
        assertTrue(run("plan --arch resnet18 --batch 1 --image-size 32").out.contains("with TF32 products"), "on by default");
        assertFalse(run("plan --arch resnet18 --batch 1 --image-size 32 --dtype f32").out.contains("with TF32 products"));
        assertFalse(run("plan --arch resnet18 --batch 1 --image-size 32 --tf32 off").out.contains("with TF32 products"));
        assertTrue(run("plan --arch resnet18 --batch 1 --image-size 32 --dtype tf32").out.contains("with TF32 products"));
        assertTrue(run("plan --arch resnet18 --batch 1 --image-size 32 --tf32").out.contains("with TF32 products"));
    }

    /** What three steps log of their losses. */
    private String losses(String tf32) throws IOException {
        Path out = folder.resolve(tf32);
        Result r = run("train --device cpu --tf32 " + tf32 + " --image-size 16 --eval-size 16 --generated-images 48 --generated-val 8 --batch 8 --max-steps 3 --log-steps 1 "
                + "--no-checkpoints --out " + out);
        assertEquals(0, r.code, r.err);
        assertEquals(tf32.equals("emulate") ? 1 : 0, r.out.lines().filter(l -> l.contains("TF32 emulated")).count(), r.out);
        assertTrue(Files.readString(out.resolve("config.json")).contains("\"tf32\": \"" + tf32 + "\""));
        String log = Files.readString(out.resolve("log.jsonl"));
        String losses = String.join(" ", log.lines().filter(l -> l.contains("\"loss\"")).map(l -> l.replaceAll(".*\"loss\": ?([-0-9.e]+).*", "$1")).toList());
        assertFalse(losses.isEmpty(), log);
        return losses;
    }

    @Test
    void theCpuTrainsWithEmulatedTf32() throws IOException {
        String f32 = losses("off");
        assertNotEquals(f32, losses("emulate"));
        assertEquals(f32, losses("on"), "the CPU has no TF32");
    }
}

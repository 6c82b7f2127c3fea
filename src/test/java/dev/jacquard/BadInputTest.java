package dev.jacquard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.cli.Main;
import dev.jacquard.layers.Module;
import dev.jacquard.models.Models;
import dev.jacquard.models.Weights;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.io.Npy;
import dev.jacquard.tensor.plan.State;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** What a caller gets wrong ends in exit code 2 and one line that names it and says what to do, and leaves nothing behind. */
class BadInputTest {
    @TempDir
    static Path folder;

    private record Result(int code, String out, String err) {}

    /** @param command with {@code @} for the folder of the test's files @param expected parts of the message */
    private record Case(String command, String... expected) {}

    private static Result run(String command) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        String[] args = Arrays.stream(command.split(" ")).map(a -> a.replace("@", folder.toString())).toArray(String[]::new);
        int code = Main.run(args, new PrintWriter(out), new PrintWriter(err));
        return new Result(code, out.toString(), err.toString());
    }

    @BeforeAll
    static void files() throws IOException {
        Files.createDirectories(folder.resolve("empty"));
        images("good", "a", "b");
        images("val", "a", "b");
        images("otherval", "a", "c");
        images("hole", "a", "b");
        Files.createDirectories(folder.resolve("hole/nothing"));
        images("somebad", "a", "b");
        Files.write(folder.resolve("somebad/a/zero.png"), new byte[0]);
        Files.writeString(folder.resolve("somebad/b/text.jpg"), "not a picture");
        byte[] png = Files.readAllBytes(folder.resolve("good/a/0.png"));
        for (String c : List.of("a", "b")) {
            Files.createDirectories(folder.resolve("allbad").resolve(c));
            Files.write(folder.resolve("allbad").resolve(c).resolve("0.png"), new byte[0]);
            Files.write(folder.resolve("allbad").resolve(c).resolve("1.png"), Arrays.copyOf(png, png.length / 2));
        }
        Files.write(folder.resolve("huge.png"), hugePng(png));
        Files.writeString(folder.resolve("some.txt"), "text");
        Files.writeString(folder.resolve("some.dat"), "text");
        weights("net2.safetensors", "resnet18", 2);
        weights("net5.safetensors", "resnet18", 5);
        byte[] good = Files.readAllBytes(folder.resolve("net2.safetensors"));
        Files.write(folder.resolve("short.safetensors"), Arrays.copyOf(good, good.length / 2));
        Files.write(folder.resolve("zero.safetensors"), new byte[0]);
        tensors("long.safetensors", 1L << 40, "{}");
        String t = "\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}";
        tensors("twice.safetensors", -1, "{" + t + "," + t + "}");
        tensors("overlap.safetensors", -1, "{" + t + ",\"y\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}");
        tensors("beyond.safetensors", -1, "{\"x\":{\"dtype\":\"F32\",\"shape\":[1000000000000],\"data_offsets\":[0,4000000000000]}}");
        npy("x.npy", DType.F32, 2, 32, 32, 3);
        npy("nchw.npy", DType.F32, 2, 3, 32, 32);
        npy("flat.npy", DType.F32, 2, 32);
        npy("bytes.npy", DType.U8, 2, 32, 32, 3);
        npy("none.npy", DType.F32, 0, 32, 32, 3);
        byte[] x = Files.readAllBytes(folder.resolve("x.npy"));
        Files.write(folder.resolve("short.npy"), Arrays.copyOf(x, x.length - 10));
        Files.createDirectories(folder.resolve("taken"));
        Files.writeString(folder.resolve("taken/config.json"), "{}");
    }

    private static void images(String name, String... classes) throws IOException {
        for (String c : classes) {
            Path to = Files.createDirectories(folder.resolve(name).resolve(c));
            for (int i = 0; i < 6; i++) {
                BufferedImage image = new BufferedImage(20, 16, BufferedImage.TYPE_INT_RGB);
                image.setRGB(i, i, 0xff0000 + c.charAt(0));
                ImageIO.write(image, "png", to.resolve(i + ".png").toFile());
            }
        }
    }

    /** A picture whose header claims 60000 x 60000 pixels. */
    private static byte[] hugePng(byte[] png) {
        byte[] huge = png.clone();
        ByteBuffer.wrap(huge).putInt(16, 60_000).putInt(20, 60_000);
        java.util.zip.CRC32 crc = new java.util.zip.CRC32();
        crc.update(huge, 12, 17);
        ByteBuffer.wrap(huge).putInt(29, (int) crc.getValue());
        return huge;
    }

    private static void weights(String name, String arch, int classes) {
        Module net = Models.create(arch, classes);
        try (Backend backend = Backends.open("cpu", 1); State state = new State(backend).initialize(net.variables().values(), 1)) {
            Weights.save(folder.resolve(name), net, state, Weights.metadata(arch, classes, List.of()));
        }
    }

    private static void tensors(String name, long length, String header) throws IOException {
        byte[] text = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer b = ByteBuffer.allocate(8 + text.length + 12).order(ByteOrder.LITTLE_ENDIAN);
        b.putLong(length < 0 ? text.length : length).put(text);
        Files.write(folder.resolve(name), b.array());
    }

    private static void npy(String name, DType type, long... dims) {
        TensorType t = TensorType.of(type, dims);
        Npy.write(folder.resolve(name), t, MemorySegment.ofArray(new byte[(int) t.bytes()]));
    }

    private static final String SMALL = " --image-size 32 --batch 4 --epochs 1 --arch resnet18 --threads 2 --device cpu --out @/out";

    private static List<Case> cases() {
        return List.of(
                new Case("train --data @/missing --val @/val" + SMALL, "@/missing", "no such data set"),
                new Case("train --data @/empty --val @/val" + SMALL, "@/empty", "empty"),
                new Case("train --data @/hole --val @/val" + SMALL, "@/hole", "nothing", "without images"),
                new Case("train --data @/some.dat --val @/val" + SMALL, "@/some.dat", "no tar"),
                new Case("train --data @/some.txt --val @/val" + SMALL, "@/some.txt, line 1", "no image and class"),
                new Case("train --data @/allbad --val @/val" + SMALL, "@/allbad", "no image of the data set decodes"),
                new Case("train --val @/val" + SMALL, "--data", "missing"),
                new Case("train --data @/good --val @/otherval" + SMALL, "--val", "other classes", "a, c"),
                new Case("train --data @/good --val @/val --image-size 32 --batch 64 --out @/out", "batch size", "at most 12"),
                new Case("train --arch resnet81 --out @/out", "resnet81", "did you mean resnet18?"),
                new Case("train --epochs 0 --out @/out", "--epochs", "at least 1"),
                new Case("train --momentum 1.5 --out @/out", "--momentum"),
                new Case("train --lr NaN --out @/out", "--lr"),
                new Case("train --threads 5000 --out @/out", "--threads"),
                new Case("train --device cuda:99 --out @/out", "device", "cuda:99"),
                new Case("train --device tpu --out @/out", "--device tpu", "auto or"),
                new Case("train --data @/good --val @/val --image-size 32 --batch 4 --epochs 1 --out @/taken", "--out @/taken", "already holds a run", "--resume"),
                new Case("train --data @/good --val @/val --image-size 32 --batch 4 --epochs 1 --out @/some.txt", "--out @/some.txt"),
                new Case("train --data @/good --val @/val --image-size 32 --batch 4 --epochs 1 --out /proc/nowhere/run", "/proc/nowhere", "cannot be made"),
                new Case("train --resume --out @/empty", "--resume", "holds no run"),
                new Case("train --resume --out @/taken", "@/taken/config.json", "not a run's configuration"),
                new Case("evaluate --weights @/missing --data @/good", "@/missing", "no such file"),
                new Case("evaluate --weights @/short.safetensors --data @/good", "@/short.safetensors"),
                new Case("evaluate --weights @/zero.safetensors --data @/good", "@/zero.safetensors", "truncated"),
                new Case("evaluate --weights @/long.safetensors --data @/good", "header length out of range"),
                new Case("evaluate --weights @/twice.safetensors --data @/good", "@/twice.safetensors", "x"),
                new Case("evaluate --weights @/overlap.safetensors --data @/good", "@/overlap.safetensors"),
                new Case("evaluate --weights @/beyond.safetensors --data @/good", "@/beyond.safetensors"),
                new Case("evaluate --weights @/some.txt --data @/good", "@/some.txt"),
                new Case("evaluate --weights @/net5.safetensors --data @/good", "wrong number of classes", "2 class folders", "5 classes"),
                new Case("evaluate --weights @/net2.safetensors --data @/good --num-classes 7", "--num-classes", "7"),
                new Case("evaluate --weights @/net2.safetensors --data @/good --batch 0", "--batch"),
                new Case("evaluate --arch resnet50 --weights @/net2.safetensors --data @/good", "@/net2.safetensors", "missing", "resnet18"),
                new Case("evaluate --weights @/net2.safetensors --data @/allbad", "no image of the data set decodes"),
                new Case("predict --arch resnet18 --weights @/net2.safetensors --input @/missing.npy --output @/out", "@/missing.npy"),
                new Case("predict --arch resnet18 --weights @/net2.safetensors --input @/short.npy --output @/out", "@/short.npy", "truncated"),
                new Case("predict --arch resnet18 --weights @/net2.safetensors --input @/nchw.npy --output @/out", "@/nchw.npy", "transpose"),
                new Case("predict --arch resnet18 --weights @/net2.safetensors --input @/flat.npy --output @/out", "@/flat.npy"),
                new Case("predict --arch resnet18 --weights @/net2.safetensors --input @/bytes.npy --output @/out", "@/bytes.npy"),
                new Case("predict --arch resnet18 --weights @/net2.safetensors --input @/none.npy --output @/out", "@/none.npy", "no images"),
                new Case("predict --arch resnet50 --weights @/net2.safetensors --input @/x.npy --output @/out", "@/net2.safetensors", "resnet18"),
                new Case("predict --arch resnet5 --weights @/net2.safetensors --input @/x.npy --output @/out", "resnet5", "did you mean"),
                new Case("predict --arch resnet18 --weights @/net2.safetensors --input @/x.npy --output @/no/y.npy", "--output"),
                new Case("predict --arch resnet18 --weights @/net2.safetensors --input @/x.npy --output @/empty", "--output", "a folder"),
                new Case("classify --weights @/net2.safetensors @/missing.jpg", "@/missing.jpg"),
                new Case("classify --weights @/net2.safetensors @/some.txt", "@/some.txt"),
                new Case("classify --weights @/net2.safetensors @/somebad/a/zero.png", "zero.png", "empty"),
                new Case("classify --weights @/net2.safetensors @/allbad/a/1.png", "1.png"),
                new Case("classify --weights @/net2.safetensors @/huge.png", "huge.png"),
                new Case("classify --weights @/net2.safetensors @/empty", "@/empty"));
    }

    @TestFactory
    Stream<DynamicTest> mistakesEndInOneLine() {
        return cases().stream().map(c -> DynamicTest.dynamicTest(c.command.replace("@/", ""), () -> {
            Result r = run(c.command);
            assertEquals(2, r.code, r.err);
            assertTrue(r.err.startsWith("error: ") && r.err.indexOf('\n') == r.err.length() - 1, "not one line: " + r.err);
            for (String part : c.expected) {
                assertTrue(r.err.contains(part.replace("@", folder.toString())), () -> "no '" + part + "' in: " + r.err);
            }
            assertFalse(r.err.contains("Exception") || r.err.contains("\tat "), r.err);
            assertFalse(Files.exists(folder.resolve("out")), () -> "left behind: " + left());
        }));
    }

    private static List<Path> left() {
        List<Path> all = new ArrayList<>();
        try (Stream<Path> s = Files.walk(folder.resolve("out"))) {
            s.forEach(all::add);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return all;
    }

    @Test
    void aFewBadImagesAreSkippedAndCounted() {
        Result r = run("train --data @/somebad --val @/val --image-size 32 --batch 4 --epochs 1 --arch resnet18 --out @/skipped");
        assertEquals(0, r.code, r.err);
        assertTrue(r.out.contains("2 images could not be decoded and were skipped"), r.out);
    }

    @Test
    void aLossThatIsNoNumberStopsWithTheStepTheOpAndTheCheckpoint() {
        Result r = run("train --data @/good --val @/val --image-size 32 --batch 4 --epochs 3 --arch resnet18 --lr 1e30 --warmup-epochs 0 --out @/diverged");
        assertEquals(2, r.code, r.err);
        assertTrue(r.err.matches("(?s)error: step \\d+: the loss is not a number: .*first bad value: .*checkpoint.*--lr.*\\n") && r.err.indexOf('\n') == r.err.length() - 1, r.err);
    }

    @Test
    void aSecondRunInTheSameFolderIsRefusedAndTheFirstIsUnharmed() throws IOException {
        String command = "train --data @/good --val @/val --image-size 32 --batch 4 --epochs 1 --arch resnet18 --out @/first";
        assertEquals(0, run(command).code);
        byte[] weights = Files.readAllBytes(folder.resolve("first/best.safetensors"));
        Result second = run(command);
        assertEquals(2, second.code);
        assertTrue(second.err.contains("already holds a run") && second.err.contains("--resume"), second.err);
        Result changed = run("train --resume --out @/first --lr 0.5");
        assertEquals(2, changed.code);
        assertTrue(changed.err.contains("--lr: cannot change when resuming"), changed.err);
        assertEquals(0, run("train --resume --out @/first").code);
        assertTrue(Arrays.equals(weights, Files.readAllBytes(folder.resolve("first/best.safetensors"))));
        Result e = run("evaluate --weights @/first/best.safetensors --data @/val");
        assertEquals(0, e.code, e.err);
        assertTrue(e.out.contains("images 12"), e.out);
        Result c = run("classify --weights @/first/best.safetensors @/good/a/0.png @/somebad/a/zero.png @/good/b/0.png");
        assertEquals(2, c.code);
        assertTrue(c.out.contains("a/0.png") && c.out.contains("b/0.png") && c.err.contains("zero.png"), c.out + c.err);
        Result p = run("predict --arch resnet18 --weights @/first/best.safetensors --input @/x.npy --output @/y.npy");
        assertEquals(0, p.code, p.err);
        try (Npy y = Npy.open(folder.resolve("y.npy"))) {
            assertEquals(TensorType.f32(2, 2), y.type());
        }
    }
}

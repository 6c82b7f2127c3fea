package dev.jacquard.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.models.Models;
import dev.jacquard.models.Naming;
import dev.jacquard.models.Weights;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.io.SafeTensors;
import dev.jacquard.tensor.io.SafeTensorsWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConvertCommandTest {
    @TempDir
    Path folder;

    private record Result(int code, String out, String err) {}

    private static Result run(Object... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.run(Stream.of(args).map(Object::toString).toArray(String[]::new), new PrintWriter(out), new PrintWriter(err));
        return new Result(code, out.toString(), err.toString());
    }

    @Test
    void safetensorsDoNotGoUnderPyTorchsNames() throws IOException {
        Path in = checkpoint();
        for (String name : List.of("o.pth", "o.PT", "o.pth.tar")) {
            Result r = run("convert", in, folder.resolve(name));
            assertEquals(2, r.code);
            assertTrue(r.err.contains(".safetensors") && r.err.indexOf('\n') == r.err.length() - 1, r.err);
            assertTrue(Files.notExists(folder.resolve(name)));
        }
    }

    /** A checkpoint with resnet18's tensors, and averages of them: zeros, but for a first bias that tells the parts apart. */
    private Path checkpoint() {
        Map<String, TensorType> types = new LinkedHashMap<>();
        for (Variable v : Models.create("resnet18", 10).variables().values()) {
            Shape s = v.type().shape();
            types.put(v.name(), TensorType.of(DType.F16, s.rank() == 4 ? new long[] {s.dim(0), s.dim(3), s.dim(1), s.dim(2)} : s.dims()));
        }
        Path file = folder.resolve("checkpoint.safetensors");
        try (SafeTensorsWriter w = SafeTensors.writer(file)) {
            List<String> parts = List.of("state_dict.module.", "state_dict_ema.module.");
            parts.forEach(p -> types.forEach((n, t) -> w.declare(p + n, t)));
            parts.forEach(p -> types.forEach((n, t) -> {
                byte[] bytes = new byte[(int) t.bytes()];
                bytes[0] = (byte) p.length();
                w.write(p + n, MemorySegment.ofArray(bytes));
            }));
        }
        return file;
    }

    private static byte first(Path file, String name) {
        try (SafeTensors f = SafeTensors.open(file)) {
            byte[] bytes = new byte[(int) f.type(name).bytes()];
            f.read(name, MemorySegment.ofArray(bytes));
            return bytes[0];
        }
    }

    @Test
    void aCheckpointBecomesWeights() {
        Path in = checkpoint();
        Path out = folder.resolve("out.safetensors");
        Result r = run("convert", in, out, "--names", "nvidia");
        assertEquals(0, r.code, r.err);
        String found = in + ": resnet18 of 10 classes, names of ours, torchvision, timm, nvidia-ngc, in state_dict.module; averaged weights, too: --ema takes them";
        assertEquals(List.of(found, out + ": names of nvidia"), r.out.lines().toList());
        assertEquals("state_dict.module.".length(), first(out, "layers.0.0.conv1.weight"));
        assertEquals(List.of(Naming.NVIDIA), Weights.inspect(out).namings());
        assertEquals(0, run("convert", in, out, "--ema", "--arch", "resnet18").code);
        assertEquals("state_dict_ema.module.".length(), first(out, "layer1.0.conv1.weight"), "ours, averages");
    }

    @Test
    void errorsAreOneLineAndLeaveNothing() throws IOException {
        Path in = checkpoint();
        Path text = Files.writeString(folder.resolve("text.pt"), "no tensors in here");
        Path out = folder.resolve("none").resolve("out.safetensors");
        Object[][] wrong = {{"convert"}, {"convert", in}, {"convert", in, out}, {"convert", in, folder}, {"convert", text, folder.resolve("a")},
            {"convert", folder.resolve("missing.pt"), folder.resolve("a")},
            {"convert", in, folder.resolve("a"), "--names", "keras"}, {"convert", in, folder.resolve("a"), "--arch", "resnet50"},
            {"convert", in, folder.resolve("a"), "--arch", "resnet19"},
            {"convert", "--ema", text, folder.resolve("a")}};
        for (Object[] args : wrong) {
            Result r = run(args);
            assertEquals(2, r.code, r.err);
            assertTrue(r.err.startsWith("error: ") && r.err.indexOf('\n') == r.err.length() - 1, r.err);
            assertEquals("", r.out);
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of("checkpoint.safetensors", "text.pt"), files.map(p -> p.getFileName().toString()).sorted().toList());
        }
    }
}

package dev.jacquard.cli;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.io.Npy;
import dev.jacquard.train.Predictor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jacquard predict}. */
@Command(name = "predict", description = "Computes logits (N, classes) of normalised images (N, H, W, 3), from and to .npy files.", sortOptions = false)
final class PredictCommand implements Callable<Integer> {
    @Mixin
    private WeightsOptions.InAnyType weights;

    @Option(names = "--input", paramLabel = "X.npy", required = true, description = "Images, float32 (N, H, W, 3), already normalised.")
    private Path input;

    @Option(names = "--output", paramLabel = "Y.npy", required = true, description = "Where the logits go, float32 (N, classes).")
    private Path output;

    @Mixin
    private DeviceOptions devices;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        Path folder = output.toAbsolutePath().getParent();
        if (Files.isDirectory(output) || folder == null || !Files.isDirectory(folder)) {
            throw new DataException("--output " + output, "cannot be written", Files.isDirectory(output) ? "a folder" : "no such folder as " + folder,
                    "the path of a file in a folder that exists", "correct the path");
        }
        try (Npy x = Npy.open(input); Arena arena = Arena.ofConfined()) {
            Shape s = x.type().shape();
            if (!x.type().dtype().isFloating() || s.rank() != 4 || s.dim(3) != 3) {
                throw new DataException("--input " + input, "not a batch of images", x.type().toString(), "f32(N, H, W, 3), already normalised",
                        "convert it with NumPy; images in NCHW need x.transpose(0, 2, 3, 1)");
            }
            if (s.size() == 0) {
                throw new DataException("--input " + input, "no images", x.type().toString(), "at least one", "give a batch of one or more");
            }
            int n = dimension(s, 0);
            try (Backend backend = devices.open(); Predictor predictor = weights.load(backend)) {
                MemorySegment images = arena.allocate(4 * s.size(), 64);
                x.floats(images);
                TensorType type = TensorType.of(DType.F32, n, predictor.classes());
                MemorySegment logits = arena.allocate(type.bytes(), 64);
                predictor.logits(DType.F32, images, n, dimension(s, 1), dimension(s, 2), logits);
                Npy.write(output, type, logits);
                spec.commandLine().getOut().println(output + ": " + type);
            }
        }
        return Main.DONE;
    }

    private int dimension(Shape s, int axis) {
        if (s.dim(axis) > 1 << 24) {
            throw new CallerException("--input " + input, "too large", s.toString(), "extents up to 2^24", "split the batch");
        }
        return (int) s.dim(axis);
    }
}

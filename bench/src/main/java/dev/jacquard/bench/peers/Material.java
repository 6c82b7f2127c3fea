package dev.jacquard.bench.peers;

import dev.jacquard.layers.Module;
import dev.jacquard.models.ModelOptions;
import dev.jacquard.models.Models;
import dev.jacquard.models.Weights;
import dev.jacquard.onnx.OnnxFile;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.io.SafeTensors;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import dev.jacquard.train.Predictor;
import dev.jacquard.train.Trainer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * What all engines work on, as files in a folder of one network: weights, the same as ONNX, images and labels. Numbers in files are little-endian.
 *
 * @param folder where they are
 */
public record Material(Path folder) {
    /** Images that there are. */
    static final int IMAGES = 16;

    /** Images that the running statistics of normalisations are taken of. */
    private static final int SAMPLE = 4;

    /** First weight of the last normalisation of a ResNet's blocks: with 1, gradients of random weights double with every block, and differ between engines by whole percents. */
    private static final float LAST_NORM = 0.2f;

    /** Pixels of an image's cells, each way. */
    private static final int CELL = 16;

    /** A tensor of the weights file, in PyTorch's layout. @param values row-major */
    public record Named(String name, long[] shape, float[] values) {}

    /** Weights under torchvision's names (the gates of ResNets under NVIDIA's), in the order of PyTorch's {@code state_dict}. */
    public Path weights() {
        return folder.resolve("weights.safetensors");
    }

    /** The network in evaluation: images (N, 3, H, W) to logits. */
    public Path onnx() {
        return folder.resolve("model.onnx");
    }

    /** The network in evaluation as TorchScript, if there was a PyTorch to write it. */
    public Path torchScript() {
        return folder.resolve("model.pt");
    }

    /** The tensors of {@link #weights}. */
    public List<Named> tensors() {
        List<Named> all = new ArrayList<>();
        try (SafeTensors file = SafeTensors.open(weights())) {
            for (String name : file.names()) {
                all.add(new Named(name, file.type(name).shape().dims(), file.floats(name)));
            }
        }
        return all;
    }

    /** Pixels, 8-bit RGB (n, H, W, 3). */
    public byte[] pixels(int n, int size) throws IOException {
        byte[] all = new byte[n * size * size * 3];
        byte[] file = Files.readAllBytes(folder.resolve("images.u8"));
        System.arraycopy(file, 0, all, 0, all.length);
        return all;
    }

    /** Normalised images (n, 3, H, W). */
    public float[] images(int n, int size) throws IOException {
        return normalised(pixels(n, size), size, true);
    }

    /** Normalised images (n, H, W, 3). */
    public float[] imagesChannelsLast(int n, int size) throws IOException {
        return normalised(pixels(n, size), size, false);
    }

    private static float[] normalised(byte[] pixels, int size, boolean channelsFirst) {
        float[] mean = Trainer.NORMALIZATION.mean();
        float[] std = Trainer.NORMALIZATION.std();
        float[] out = new float[pixels.length];
        int area = size * size;
        for (int i = 0; i < pixels.length; i++) {
            int c = i % 3;
            int p = i / 3 % area;
            int image = i / 3 / area;
            double value = ((pixels[i] & 0xff) / 255.0 - mean[c]) / std[c];
            out[channelsFirst ? (image * 3 + c) * area + p : i] = (float) value;
        }
        return out;
    }

    /** Labels. */
    public int[] labels(int n) {
        SplittableRandom random = new SplittableRandom(2);
        return random.ints(n, 0, 1000).toArray();
    }

    /** Writes floats. */
    static void write(Path file, float[] values) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        Files.write(file, bytes.array());
    }

    /** Reads what {@link #write} wrote. */
    static float[] read(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        float[] values = new float[bytes.remaining() / Float.BYTES];
        bytes.asFloatBuffer().get(values);
        return values;
    }

    /**
     * Makes the files unless they are there. Weights are the initialisers', but for the last normalisations of ResNets' blocks; running statistics are those of a batch, so that
     * activations in evaluation are of the size that they have in a trained network: with statistics of 0 and 1 they would grow or vanish with every block, and numbers that
     * underflow are slow.
     */
    public void make(String network, int size) throws IOException {
        Files.createDirectories(folder);
        Path images = folder.resolve("images.u8");
        int[] labels = labels(IMAGES);
        Material.write(folder.resolve("labels.f32"), toFloats(labels));
        if (Files.notExists(images)) {
            Files.write(images, scenes(size));
        }
        Material.write(folder.resolve("images.f32"), images(IMAGES, size));
        try (Backend cpu = Backends.open("cpu", 0)) {
            if (Files.notExists(weights())) {
                draw(network, size, cpu);
            }
            if (Files.notExists(onnx())) {
                try (Predictor p = Predictor.load(null, weights(), cpu)) {
                    OnnxFile.write(onnx(), p.graph(1, size, size), p.weights(), OnnxFile.Options.STANDARD);
                }
            }
        }
    }

    /**
     * Pictures that differ: a shade of each, cells of 16 x 16 pixels, noise. Of noise alone a deep network sees the mean, the same in all; normalisation by the batch's statistics
     * would then blow up what rounding leaves, and no two engines would agree on a gradient.
     */
    private static byte[] scenes(int size) {
        SplittableRandom random = new SplittableRandom(1);
        byte[] pixels = new byte[IMAGES * size * size * 3];
        int cells = (size + CELL - 1) / CELL;
        for (int n = 0; n < IMAGES; n++) {
            double[] shade = random.doubles(3, -60, 60).toArray();
            double[] coarse = random.doubles(3L * cells * cells, -60, 60).toArray();
            for (int p = 0; p < size * size; p++) {
                int cell = p / size / CELL * cells + p % size / CELL;
                for (int c = 0; c < 3; c++) {
                    double value = 128 + shade[c] + coarse[3 * cell + c] + random.nextDouble(-30, 30);
                    pixels[(n * size * size + p) * 3 + c] = (byte) Math.clamp((int) value, 0, 255);
                }
            }
        }
        return pixels;
    }

    private static float[] repeat(float value, int n) {
        float[] values = new float[n];
        Arrays.fill(values, value);
        return values;
    }

    private static float[] toFloats(int[] values) {
        float[] out = new float[values.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = values[i];
        }
        return out;
    }

    private void draw(String network, int size, Backend cpu) throws IOException {
        ModelOptions options = new Piece(Piece.Work.TRAIN, network, SAMPLE, size).options();
        Module module = Models.create(network, options.normMomentum(1)); // running statistics become the batch's
        GraphBuilder b = new GraphBuilder(true);
        b.output("logits", module.apply(b.input("images", TensorType.f32(SAMPLE, size, size, options.channels()))));
        try (State state = new State(cpu).initialize(module.variables().values(), 1)) {
            module.variables().values().stream().filter(v -> v.name().endsWith("bn3.weight")).forEach(v -> state.set(v, repeat(LAST_NORM, v.type().shape().intDim(0))));
            try (Plan plan = Plan.of(b.build(), state)) {
                plan.feed("images", MemorySegment.ofArray(imagesChannelsLast(SAMPLE, size)));
                plan.run();
            }
            Weights.save(weights(), module, state, Weights.metadata(network, options, List.of()));
        }
    }
}

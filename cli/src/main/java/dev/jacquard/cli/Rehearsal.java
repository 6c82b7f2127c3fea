package dev.jacquard.cli;

import dev.jacquard.layers.Module;
import dev.jacquard.models.Models;
import dev.jacquard.models.Weights;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.backend.Backends;
import dev.jacquard.tensor.plan.State;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;

/**
 * What {@code ./jacquard} lets the JVM watch once, after it was built: a whole {@code classify} with random weights. The classes that it loads, their links and the profiles of its
 * methods go into the cache (JEP 483, 514 and 515) that every later start reads. Does not end well where classes are used that such a cache cannot hold, those of the Vector API's
 * late module.
 */
public final class Rehearsal {
    private static final int SIZE = 320;

    private Rehearsal() {}

    /** For the JVM. Exit code 1 if the image was not classified. */
    public static void main(String[] args) throws IOException {
        Path folder = Files.createTempDirectory("jacquard-rehearsal");
        Path weights = folder.resolve("weights.safetensors");
        Path image = folder.resolve("image.jpg");
        int code;
        try {
            weights(weights);
            image(image);
            StringWriter said = new StringWriter();
            PrintWriter out = new PrintWriter(said);
            code = Main.run(new String[] {"--help"}, out, out);
            code += Main.run(new String[] {"classify", "--weights", weights.toString(), image.toString()}, out, out);
            out.flush();
            System.out.println(said);
        } finally {
            for (Path p : List.of(weights, image, folder)) {
                Files.deleteIfExists(p);
            }
        }
        System.exit(Math.min(code, 1));
    }

    private static void weights(Path file) {
        Module net = Models.create("resnet50", 10);
        try (Backend backend = Backends.open("cpu", 1); State state = new State(backend).initialize(net.variables().values(), 1)) {
            Weights.save(file, net, state, Map.of());
        }
    }

    private static void image(Path file) throws IOException {
        BufferedImage picture = new BufferedImage(SIZE, SIZE, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < SIZE; y++) {
            for (int x = 0; x < SIZE; x++) {
                picture.setRGB(x, y, x * y);
            }
        }
        ImageIO.write(picture, "jpg", file.toFile());
    }
}

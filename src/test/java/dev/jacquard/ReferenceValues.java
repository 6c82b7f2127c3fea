package dev.jacquard;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.io.Npy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What PyTorch computed, in {@code src/test/resources/reference}, and how far from it the engine is. */
final class ReferenceValues {
    private ReferenceValues() {}

    static Path file(String name) {
        return Path.of("resources", "reference", name);
    }

    static JsonObject json(String name) throws IOException {
        return JsonParser.parseString(Files.readString(file(name))).getAsJsonObject();
    }

    static float[] floats(String npy) {
        try (Npy file = Npy.open(file(npy))) {
            return file.floats();
        }
    }

    /** The largest difference, relative to the largest value. */
    static double difference(float[] got, float[] want) {
        double error = 0;
        double largest = 0;
        for (int i = 0; i < want.length; i++) {
            error = Math.max(error, Math.abs(got[i] - want[i]));
            largest = Math.max(largest, Math.abs(want[i]));
        }
        return error / largest;
    }

    /** Where the element of a (K, R, S, C) weight is in PyTorch's (K, C, R, S). */
    static int toOihw(int index, Shape krsc) {
        int c = index % krsc.intDim(3);
        int rs = index / krsc.intDim(3) % (krsc.intDim(1) * krsc.intDim(2));
        int k = index / krsc.intDim(3) / (krsc.intDim(1) * krsc.intDim(2));
        return (k * krsc.intDim(3) + c) * krsc.intDim(1) * krsc.intDim(2) + rs;
    }

    /**
     * How far a tensor is from its summary: its norm, its projection on a hash vector and single elements, each relative to a scale.
     *
     * @param want has {@code norm}, {@code probe} and {@code elements}
     * @param index of the elements, in PyTorch's layout
     * @param scale norm that errors are relative to: the tensor's own but where it is zero in exact arithmetic
     * @param engine the tensor in the engine's layout
     */
    static double difference(JsonObject want, JsonArray index, double scale, float[] engine, Shape shape, String name) {
        long probe = HashFormula.seed("probe." + name);
        double norm = 0;
        double dot = 0;
        float[] torch = new float[engine.length];
        for (int i = 0; i < engine.length; i++) {
            torch[shape.rank() == 4 ? toOihw(i, shape) : i] = engine[i];
        }
        for (int i = 0; i < torch.length; i++) {
            norm += (double) torch[i] * torch[i];
            dot += torch[i] * HashFormula.s(probe, i);
        }
        double worst = Math.abs(Math.sqrt(norm) - want.get("norm").getAsDouble()) / scale;
        worst = Math.max(worst, Math.abs(dot - want.get("probe").getAsDouble()) / (scale * Math.sqrt(torch.length / 3.0)));
        for (int j = 0; j < index.size(); j++) {
            double element = want.getAsJsonArray("elements").get(j).getAsDouble();
            worst = Math.max(worst, Math.abs(torch[index.get(j).getAsInt()] - element) / (scale / Math.sqrt(torch.length)) / 10);
        }
        return worst;
    }
}

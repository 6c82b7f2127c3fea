package dev.jacquard.models;

import dev.jacquard.layers.Module;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.io.SafeTensors;
import dev.jacquard.tensor.io.SafeTensorsWriter;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.UnaryOperator;

/**
 * Weights of a module in safetensors files that PyTorch reads and writes: its names, its order, its layouts. Convolution weights are (K, C/groups, R, S) in
 * the file and (K, R, S, C/groups) in memory. Counters named {@code num_batches_tracked} are neither expected nor written.
 */
public final class Weights {
    private static final String COUNTER = "num_batches_tracked";

    private Weights() {}

    /**
     * What a file says of itself.
     *
     * @param arch name of the model, from names and shapes or else from the metadata; empty if neither knows
     * @param classes number of classes
     * @param classNames their names; empty if the file has none
     * @param metadata all strings of the file
     */
    public record Info(Optional<String> arch, OptionalInt classes, List<String> classNames, Map<String, String> metadata) {}

    /**
     * Reads all variables of a module from a file, of F32, F16, BF16 or F64, converting. The file must have exactly the module's variables; nothing is
     * changed unless everything was read.
     *
     * @param state has the module's variables already
     * @throws DataException one error that lists what is missing, unexpected or of another shape, and says what the file looks like
     */
    public static void load(Path path, Module module, State state) {
        load(path, module, state, v -> v);
    }

    /** The same into other variables. @param target for each variable of the module the one to set, such as its average; of its type and in the state */
    public static void load(Path path, Module module, State state, UnaryOperator<Variable> target) {
        try (SafeTensors file = SafeTensors.open(path)) {
            Mismatch mismatch = Mismatch.between(shapes(file), module);
            if (!mismatch.none()) {
                throw mismatch.error(path.toString());
            }
            Map<Variable, float[]> values = new LinkedHashMap<>();
            module.variables().forEach((name, v) -> {
                state.buffer(target.apply(v));
                values.put(target.apply(v), fromFile(v.type().shape(), file.floats(name)));
            });
            values.forEach(state::set);
        }
    }

    private static Map<String, Shape> shapes(SafeTensors file) {
        Map<String, Shape> all = new LinkedHashMap<>();
        for (String name : file.names()) {
            if (!name.equals(COUNTER) && !name.endsWith("." + COUNTER)) {
                all.put(name, file.type(name).shape());
            }
        }
        return all;
    }

    /**
     * Writes all variables of a module as F32; the file appears whole or not at all.
     *
     * @param metadata strings that go along, see {@link #metadata}; {@code format=pt} is added
     */
    public static void save(Path path, Module module, State state, Map<String, String> metadata) {
        save(path, module, state, v -> v, metadata);
    }

    /** The same from other variables. @param source for each variable of the module the one to write, such as its average; of its type and in the state */
    public static void save(Path path, Module module, State state, UnaryOperator<Variable> source, Map<String, String> metadata) {
        Map<String, Variable> variables = module.variables();
        try (SafeTensorsWriter file = SafeTensors.writer(path)) {
            variables.forEach((name, v) -> file.declare(name, new TensorType(DType.F32, Detected.fileShape(v))));
            Map<String, String> strings = new LinkedHashMap<>(metadata);
            strings.putIfAbsent("format", "pt");
            file.metadata(strings);
            variables.forEach((name, v) -> file.write(name, MemorySegment.ofArray(toFile(v.type().shape(), state.get(source.apply(v))))));
        }
    }

    /** The strings by which {@link #inspect} knows a file again. @param classNames as many as there are classes, or none */
    public static Map<String, String> metadata(String arch, int classes, List<String> classNames) {
        Map<String, String> strings = new LinkedHashMap<>();
        strings.put("format", "pt");
        strings.put("arch", arch);
        strings.put("classes", Integer.toString(classes));
        if (!classNames.isEmpty()) {
            strings.put("class_names", ClassNames.write(classNames));
        }
        return strings;
    }

    /** Says what a file is without reading its tensors. */
    public static Info inspect(Path path) {
        try (SafeTensors file = SafeTensors.open(path)) {
            Map<String, String> metadata = file.metadata();
            Optional<String> said = Optional.ofNullable(metadata.get("arch"));
            List<Detected> found = Detected.of(shapes(file));
            // Two rows may have the same names and shapes; then the metadata decides.
            Optional<Detected> seen = found.stream().filter(d -> said.filter(d.row().name()::equals).isPresent()).findFirst().or(() -> found.stream().findFirst());
            OptionalInt classes = seen.map(d -> OptionalInt.of(d.classes())).orElseGet(() -> classes(path, metadata.get("classes")));
            String names = metadata.get("class_names");
            return new Info(seen.map(d -> d.row().name()).or(() -> said), classes, names == null ? List.of() : ClassNames.read(path.toString(), names), metadata);
        }
    }

    private static OptionalInt classes(Path path, String text) {
        try {
            return text == null ? OptionalInt.empty() : OptionalInt.of(Integer.parseInt(text));
        } catch (NumberFormatException e) {
            throw new DataException(path.toString(), "classes of the metadata is no number", text, "a whole number", "write the file again", e);
        }
    }

    /** (K, R, S, C) to (K, C, R, S) where the rank is 4. @param shape the engine's */
    private static float[] toFile(Shape shape, float[] values) {
        return shape.rank() == 4 ? swapped(values, shape.intDim(0), shape.intDim(1) * shape.intDim(2), shape.intDim(3)) : values;
    }

    /** (K, C, R, S) to (K, R, S, C) where the rank is 4. @param shape the engine's */
    private static float[] fromFile(Shape shape, float[] values) {
        return shape.rank() == 4 ? swapped(values, shape.intDim(0), shape.intDim(3), shape.intDim(1) * shape.intDim(2)) : values;
    }

    /** (n, rows, columns) to (n, columns, rows). */
    private static float[] swapped(float[] values, int n, int rows, int columns) {
        float[] out = new float[values.length];
        for (int k = 0; k < n; k++) {
            int base = k * rows * columns;
            for (int i = 0; i < rows; i++) {
                for (int j = 0; j < columns; j++) {
                    out[base + j * rows + i] = values[base + i * columns + j];
                }
            }
        }
        return out;
    }
}

package dev.jacquard.models;

import dev.jacquard.layers.Module;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.io.SafeTensors;
import dev.jacquard.tensor.io.SafeTensorsWriter;
import dev.jacquard.tensor.io.TensorFile;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Weights of a module in files: safetensors and PyTorch's checkpoints are read, safetensors are written. Names are those of any {@link Naming}, recognised by the names and shapes
 * themselves; dictionaries of a checkpoint and prefixes of PyTorch's wrappers are seen through, see {@link FilePart}. Convolution weights are (K, C/groups, R, S) in files and (K,
 * R, S, C/groups) in memory. Counters such as {@code num_batches_tracked} are neither expected nor written.
 */
public final class Weights {
    private static final Logger LOG = LoggerFactory.getLogger(Weights.class);
    private static final String ARCH = "arch";
    private static final String CLASSES = "classes";
    private static final String CLASS_NAMES = "class_names";
    private static final String NORM_EPS = "norm_eps";
    private static final String PADDING = "padding";

    private Weights() {}

    /**
     * What a file says of itself.
     *
     * @param arch name of the model, from names and shapes or else from the metadata; empty if neither knows
     * @param classes number of classes
     * @param classNames their names; empty if the file has none
     * @param metadata all strings of the file
     * @param namings whose names the tensors have; empty if the model is not known, several where several call them the same
     * @param part path of the dictionary that the weights are in; empty for the whole file
     * @param averages whether the file has averaged weights, too
     * @param options of the model as the file's source trains it: with its classes, channels, padding, and normalisation; empty if the model is not known
     */
    public record Info(Optional<String> arch, OptionalInt classes, List<String> classNames, Map<String, String> metadata, List<Naming> namings, String part, boolean averages,
            Optional<ModelOptions> options) {
        /** In a few words: {@code resnet50 of 1000 classes, names of torchvision, in state_dict}. */
        public String summary() {
            return arch.orElse("no known architecture") + (classes.isPresent() ? " of " + classes.getAsInt() + " classes" : "")
                    + (namings.isEmpty() ? "" : ", " + names(namings)) + in(part);
        }
    }

    private static String names(List<Naming> namings) {
        return "names of " + String.join(", ", namings.stream().map(Naming::label).toList());
    }

    private static String in(String part) {
        return part.isEmpty() ? "" : ", in " + part;
    }

    /**
     * How to load.
     *
     * @param averaged whether to take the averaged weights of a checkpoint instead of the last ones
     * @param replaceHead whether the layer that makes the logits keeps its values if the file's is for another number of classes
     */
    public record Options(boolean averaged, boolean replaceHead) {
        /** The weights themselves, all of them. */
        public static final Options STRICT = new Options(false, false);
    }

    /**
     * What was loaded.
     *
     * @param namings whose names the tensors had; several where several call the model's variables the same
     * @param part path of the dictionary that they were in; empty for the whole file
     * @param kept variables that were left as they were, the file's being of another number of classes
     */
    public record Loaded(List<Naming> namings, String part, List<String> kept) {
        /** In a few words: {@code names of torchvision, in state_dict; left as they were: fc.weight, fc.bias}. */
        public String summary() {
            return names(namings) + in(part) + (kept.isEmpty() ? "" : "; left as they were: " + String.join(", ", kept));
        }
    }

    /** Reads all variables of a module from a file; {@link #load(Path, Module, State, Options)} with {@link Options#STRICT}. */
    public static Loaded load(Path path, Module module, State state) {
        return load(path, module, state, Options.STRICT);
    }

    /**
     * Reads the variables of a module from a file, of F32, F16, BF16 or F64, converting. The file must have exactly the module's variables, the head excepted where the options say
     * so; nothing is changed unless all of them are there and of known types, though a disk that fails in the middle of a safetensors file leaves some set. What was found is
     * logged.
     *
     * @param state has the module's variables already
     * @throws DataException one error that lists what is missing, unexpected or of another shape, and says what the file looks like
     */
    public static Loaded load(Path path, Module module, State state, Options options) {
        return load(path, module, state, options, v -> v);
    }

    /** The same into other variables. @param target for each variable of the module the one to set, such as its average; of its type and in the state */
    public static Loaded load(Path path, Module module, State state, Options options, UnaryOperator<Variable> target) {
        try (TensorFile file = TensorFile.open(path)) {
            FilePart part = FilePart.of(file, path.toString(), options.averaged);
            Map<String, Shape> shapes = part.shapes(file);
            Map<String, Naming.Entry> entries = nearest(shapes, module).entries(module);
            Mismatch mismatch = Mismatch.between(shapes, entries);
            List<String> kept = options.replaceHead ? otherHead(mismatch, entries, module) : List.of();
            if (!mismatch.none() && kept.isEmpty()) {
                throw mismatch.error(path.toString());
            }
            List<WeightReader.Item> items = new ArrayList<>();
            entries.forEach((name, e) -> {
                Variable v = target.apply(e.variable());
                state.buffer(v);
                if (!kept.contains(e.variable().name())) {
                    items.add(new WeightReader.Item(part.names().get(name), v));
                }
            });
            set(file, items, state);
            List<Naming> namings = Stream.of(Naming.values()).filter(n -> n.entries(module).keySet().equals(entries.keySet())).toList();
            Loaded loaded = new Loaded(namings, part.path(), kept);
            LOG.info("{}: {}", path, loaded.summary());
            return loaded;
        }
    }

    private static void set(TensorFile file, List<WeightReader.Item> items, State state) {
        if (file instanceof SafeTensors) {
            // Reading one says what is wrong with its type, before any variable is set; sizes were checked when the file was opened.
            items.stream().filter(i -> !file.type(i.tensor()).dtype().isFloating()).forEach(i -> file.floats(i.tensor()));
            WeightReader.read(file, items, state);
            return;
        }
        // A checkpoint's damage may show only when a tensor is read.
        Map<Variable, float[]> values = new LinkedHashMap<>();
        items.forEach(i -> values.put(i.variable(), fromFile(i.variable().type().shape(), file.floats(i.tensor()))));
        values.forEach(state::set);
    }

    /** The naming that a file fits best, the first of several. */
    private static Naming nearest(Map<String, Shape> shapes, Module module) {
        Naming best = null;
        long most = -1;
        for (Naming n : Naming.values()) {
            long common = Mismatch.between(shapes, n.entries(module)).common();
            if (common > most) {
                best = n;
                most = common;
            }
        }
        return best;
    }

    /** Our names of the head's variables if a file differs from the module in their number of classes and in nothing else, or else nothing. */
    private static List<String> otherHead(Mismatch mismatch, Map<String, Naming.Entry> entries, Module module) {
        Optional<Family> family = Family.of(module);
        List<String> differing = mismatch.otherShape();
        if (family.isEmpty() || differing.isEmpty() || !mismatch.file().keySet().equals(mismatch.module().keySet())) {
            return List.of();
        }
        List<String> ours = differing.stream().map(n -> entries.get(n).variable().name()).toList();
        boolean head = ours.stream().allMatch(n -> n.startsWith(family.get().head() + "."));
        boolean classes = differing.stream().allMatch(n -> sameButFirst(mismatch.file().get(n), mismatch.module().get(n)));
        return head && classes ? ours : List.of();
    }

    private static boolean sameButFirst(Shape a, Shape b) {
        boolean same = a.rank() == b.rank() && a.rank() > 0;
        for (int i = 1; same && i < a.rank(); i++) {
            same = a.dim(i) == b.dim(i);
        }
        return same;
    }

    /** Writes all variables of a module as F32 under our names; the file appears whole or not at all. @param metadata as in {@link #save(Path, Module, State, Map, Naming)} */
    public static void save(Path path, Module module, State state, Map<String, String> metadata) {
        save(path, module, state, metadata, Naming.OURS);
    }

    /**
     * Writes all variables of a module as F32; the file appears whole or not at all.
     *
     * @param metadata strings that go along, see {@link #metadata}; {@code format=pt} is added
     * @param naming whose names
     */
    public static void save(Path path, Module module, State state, Map<String, String> metadata, Naming naming) {
        save(path, module, state, metadata, naming, v -> v);
    }

    /** The same from other variables. @param source for each variable of the module the one to write, such as its average; of its type and in the state */
    public static void save(Path path, Module module, State state, Map<String, String> metadata, Naming naming, UnaryOperator<Variable> source) {
        Map<String, Naming.Entry> entries = naming.entries(module);
        try (SafeTensorsWriter file = SafeTensors.writer(path)) {
            entries.forEach((name, e) -> file.declare(name, new TensorType(DType.F32, e.shape())));
            Map<String, String> strings = new LinkedHashMap<>(metadata);
            strings.putIfAbsent("format", "pt");
            file.metadata(strings);
            entries.forEach((name, e) -> file.write(name, MemorySegment.ofArray(toFile(e.variable().type().shape(), state.get(source.apply(e.variable()))))));
        }
    }

    /**
     * Writes the weights of any file that {@link #inspect} knows as safetensors under other names. Elements stay as they are, in their type.
     *
     * @param arch the architecture that they must be of, or null for any
     * @param averaged whether to take the averages of a checkpoint
     * @return what the input was
     * @throws DataException if it is of no known architecture or of another one; nothing is written then
     */
    public static Info convert(Path in, Path out, Naming naming, String arch, boolean averaged) {
        if (out.toString().matches("(?i).*\\.(pt|pth|tar|zip)")) { // PyTorch would take it for its own, and the name of what was read may be meant
            throw new CallerException(out.toString(), "no name for safetensors", out.getFileName().toString(), "a name that ends in .safetensors", "give another name");
        }
        try (TensorFile file = TensorFile.open(in)) {
            FilePart part = FilePart.of(file, in.toString(), averaged);
            Info info = info(in, file, part);
            Map<String, Shape> shapes = part.shapes(file);
            Detected detected = Detected.of(shapes).stream().filter(d -> arch == null || d.row() == Models.row(arch)).findFirst().orElseThrow(() -> unknown(in, arch, shapes));
            ModelOptions options = options(in, detected, file.metadata());
            Module module = detected.row().create(options);
            List<String> source = detected.namings().getFirst().entries(module).keySet().stream().map(part.names()::get).toList();
            List<DType> types = source.stream().map(n -> floating(in, file, n)).toList();
            Map<String, Naming.Entry> target = naming.entries(module);
            try (SafeTensorsWriter writer = SafeTensors.writer(out)) {
                Iterator<DType> type = types.iterator();
                target.forEach((name, e) -> writer.declare(name, new TensorType(type.next(), e.shape())));
                Map<String, String> strings = new LinkedHashMap<>(file instanceof SafeTensors ? file.metadata() : Map.of());
                strings.putAll(metadata(detected.row().name(), options, info.classNames()));
                writer.metadata(strings);
                Iterator<String> from = source.iterator();
                target.keySet().forEach(name -> copy(file, from.next(), writer, name));
            }
            return info;
        }
    }

    private static void copy(TensorFile from, String source, SafeTensorsWriter to, String target) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[Math.toIntExact(from.type(source).bytes())]);
        from.read(source, bytes);
        to.write(target, bytes);
    }

    private static DataException unknown(Path in, String arch, Map<String, Shape> shapes) {
        if (arch != null) {
            Module wanted = Models.row(arch).create(Models.row(arch).classes());
            return Mismatch.between(shapes, nearest(shapes, wanted).entries(wanted)).error(in.toString());
        }
        return new DataException(in.toString(), "weights of no known architecture", shapes.size() + " tensors, such as "
                + shapes.keySet().stream().limit(3).map(Mismatch::printable).toList(),
                "those of one of " + Models.names(), "pass --arch to be told what differs from it");
    }

    private static DType floating(Path in, TensorFile file, String name) {
        DType dtype = file.type(name).dtype();
        if (!dtype.isFloating()) {
            throw new DataException(in + ", tensor '" + Mismatch.printable(name) + "'", "not a floating tensor", dtype.toString(), "f32, f16, bf16 or f64",
                    "give the weights before quantization");
        }
        return dtype;
    }

    /** The strings by which {@link #inspect} knows a file again. @param classNames as many as there are classes, or none */
    public static Map<String, String> metadata(String arch, int classes, List<String> classNames) {
        boolean registered = Models.rows().stream().anyMatch(r -> r.name().equals(arch) || r.aliases().contains(arch));
        return metadata(arch, registered ? Models.row(arch).defaults().classes(classes) : null, classes, classNames);
    }

    /** The same for a registered model, with those of its options that change what the weights compute. */
    public static Map<String, String> metadata(String arch, ModelOptions options, List<String> classNames) {
        return metadata(arch, options, options.classes(), classNames);
    }

    private static Map<String, String> metadata(String arch, ModelOptions options, int classes, List<String> classNames) {
        Map<String, String> strings = new LinkedHashMap<>();
        strings.put("format", "pt");
        strings.put(ARCH, arch);
        strings.put(CLASSES, Integer.toString(classes));
        if (options != null) {
            strings.put(NORM_EPS, Double.toString(options.normEps()));
            strings.put(PADDING, options.padding().name());
        }
        if (!classNames.isEmpty()) {
            strings.put(CLASS_NAMES, ClassNames.write(classNames));
        }
        return strings;
    }

    /** Says what a file is without reading its tensors. */
    public static Info inspect(Path path) {
        return inspect(path, false);
    }

    /**
     * Says what a file is without reading its tensors. @param averaged whether to look at a checkpoint's averages @throws DataException if the file is damaged, or has no averages
     * and they are wanted
     */
    public static Info inspect(Path path, boolean averaged) {
        try (TensorFile file = TensorFile.open(path)) {
            return info(path, file, FilePart.of(file, path.toString(), averaged));
        }
    }

    private static Info info(Path path, TensorFile file, FilePart part) {
        Map<String, String> metadata = file.metadata();
        Optional<String> said = Optional.ofNullable(metadata.get(ARCH));
        List<Detected> found = Detected.of(part.shapes(file));
        // Two rows may have the same names and shapes; then the metadata decides.
        Optional<Detected> seen = found.stream().filter(d -> said.filter(d.row().name()::equals).isPresent()).findFirst().or(() -> found.stream().findFirst());
        OptionalInt classes = seen.map(d -> OptionalInt.of(d.classes())).orElseGet(() -> classes(path, metadata.get(CLASSES)));
        String names = metadata.get(CLASS_NAMES);
        return new Info(seen.map(d -> d.row().name()).or(() -> said), classes, names == null ? List.of() : ClassNames.read(path.toString(), names), metadata,
                seen.map(Detected::namings).orElse(List.of()), part.path(), FilePart.hasAverages(file), seen.map(d -> options(path, d, metadata)));
    }

    /** Our own files say what else matters; of others it is known by their names. */
    private static ModelOptions options(Path path, Detected d, Map<String, String> metadata) {
        ModelOptions own = d.row().defaults().classes(d.classes()).channels(d.channels());
        if (metadata.containsKey(NORM_EPS)) {
            return own.normEps(number(path, metadata.get(NORM_EPS))).padding(padding(path, metadata.getOrDefault(PADDING, Padding.SYMMETRIC.name())));
        }
        if (metadata.containsKey(ARCH) && metadata.containsKey(CLASSES)) {
            return own; // Written by us before there was a choice.
        }
        if (metadata.getOrDefault(ARCH, "").startsWith("tf_")) {
            return own.padding(Padding.SAME); // timm's ports of TensorFlow's weights.
        }
        return d.namings().getFirst().normEps(d.row()).stream().mapToObj(own::normEps).findFirst().orElse(own);
    }

    private static double number(Path path, String text) {
        try {
            return Double.parseDouble(text);
        } catch (NumberFormatException e) {
            throw new DataException(path.toString(), NORM_EPS + " of the metadata is no number", Mismatch.printable(text), "a number above 0", "write the file again", e);
        }
    }

    private static Padding padding(Path path, String text) {
        try {
            return Padding.valueOf(text);
        } catch (IllegalArgumentException e) {
            throw new DataException(path.toString(), PADDING + " of the metadata is unknown", Mismatch.printable(text), List.of(Padding.values()).toString(),
                    "write the file again", e);
        }
    }

    private static OptionalInt classes(Path path, String text) {
        try {
            return text == null ? OptionalInt.empty() : OptionalInt.of(Integer.parseInt(text));
        } catch (NumberFormatException e) {
            throw new DataException(path.toString(), "classes of the metadata is no number", Mismatch.printable(text), "a whole number", "write the file again", e);
        }
    }

    /** (K, R, S, C) to (K, C, R, S) where the rank is 4. @param shape the engine's */
    private static float[] toFile(Shape shape, float[] values) {
        return shape.rank() == 4 ? WeightReader.swapped(values, shape.intDim(0), shape.intDim(1) * shape.intDim(2), shape.intDim(3)) : values;
    }

    /** (K, C, R, S) to (K, R, S, C) where the rank is 4. @param shape the engine's */
    private static float[] fromFile(Shape shape, float[] values) {
        return shape.rank() == 4 ? WeightReader.swapped(values, shape.intDim(0), shape.intDim(3), shape.intDim(1) * shape.intDim(2)) : values;
    }
}

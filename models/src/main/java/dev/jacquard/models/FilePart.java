package dev.jacquard.models;

import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.io.TensorFile;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The tensors of a file that are a model's. A checkpoint may have them in a dictionary beside others ({@code state_dict}, {@code optimizer}), averages of them in another one, and
 * wrappers of PyTorch put a prefix before every name. Counters are left out: nothing is computed from them.
 *
 * @param path of the dictionary and the prefix; empty for the whole file
 * @param names name in the file by the name within the part
 */
record FilePart(String path, Map<String, String> names) {
    private static final List<String> WEIGHTS = List.of("state_dict", "model", "model_state_dict", "model_state", "net", "network");
    /** NVIDIA's and timm's, torchvision's, and others'. */
    private static final List<String> AVERAGES = List.of("state_dict_ema", "model_ema", "ema", "ema_state_dict");
    /** DataParallel's, that of torch.compile, and what modules that hold a model like to call it. */
    private static final List<String> WRAPPERS = List.of("module", "_orig_mod", "model");
    private static final List<String> COUNTERS = List.of("num_batches_tracked", "n_averaged");

    /** The part of a file. @param averaged whether the averages are wanted @throws DataException if they are and there are none */
    static FilePart of(TensorFile file, String fileName, boolean averaged) {
        if (averaged) {
            return dictionary(file, AVERAGES).orElseThrow(() -> new DataException(fileName, "no averaged weights",
                    file.names().size() + " tensors, none of them in one of " + AVERAGES,
                    "a checkpoint of a training with averages", "leave --ema out; a run of ours has them in a file of their own, whose name ends in _ema.safetensors"));
        }
        return dictionary(file, WEIGHTS).orElseGet(() -> of("", file.names().stream().filter(n -> AVERAGES.stream().noneMatch(a -> n.startsWith(a + ".")))));
    }

    /** Whether a file has averages. */
    static boolean hasAverages(TensorFile file) {
        return dictionary(file, AVERAGES).isPresent();
    }

    private static Optional<FilePart> dictionary(TensorFile file, List<String> names) {
        return names.stream().map(n -> n + ".").filter(p -> file.names().stream().anyMatch(n -> n.startsWith(p))).findFirst()
                .map(p -> of(p, file.names().stream().filter(n -> n.startsWith(p))));
    }

    private static FilePart of(String prefix, Stream<String> members) {
        List<String> all = members.filter(n -> COUNTERS.stream().noneMatch(c -> n.equals(c) || n.endsWith("." + c))).toList();
        String path = prefix;
        for (Optional<String> wrapper = wrapper(all, path); wrapper.isPresent(); wrapper = wrapper(all, path)) {
            path += wrapper.get() + ".";
        }
        Map<String, String> names = new LinkedHashMap<>();
        for (String n : all) {
            names.put(n.substring(path.length()), n);
        }
        return new FilePart(path.isEmpty() ? "" : path.substring(0, path.length() - 1), names);
    }

    private static Optional<String> wrapper(List<String> all, String path) {
        return WRAPPERS.stream().filter(w -> !all.isEmpty() && all.stream().allMatch(n -> n.startsWith(w + ".", path.length()))).findFirst();
    }

    /** Shapes by the names within the part. */
    Map<String, Shape> shapes(TensorFile file) {
        Map<String, Shape> shapes = new LinkedHashMap<>();
        names.forEach((name, full) -> shapes.put(name, file.type(full).shape()));
        return shapes;
    }
}

package dev.jacquard.onnx;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.io.AtomicFile;
import dev.jacquard.tensor.plan.State;
import java.nio.file.Path;
import java.util.Map;

/**
 * ONNX files (onnx.ai, opset {@value #OPSET}) of evaluations, for runtimes other than ours.
 *
 * <p>Images are NCHW there, as ONNX has them, and so is every other value of rank 4; weights are OIHW. Nothing is transposed at run time: what is NHWC here is written as NCHW,
 * axis by axis. What follows from variables alone is computed once, here; scales and shifts of normalisations are multiplied into the convolution before them, if nobody else uses
 * its result.
 */
public final class OnnxFile {
    /** Of the operators: the newest that needs nothing of an IR version that runtimes of 2022 lack. */
    static final int OPSET = 15;
    private static final int IR = 8;

    private OnnxFile() {}

    /**
     * How a file is written.
     *
     * @param anyBatch whether the images' number is left open; else it is the graph's
     * @param metadata strings that the file carries
     */
    public record Options(boolean anyBatch, Map<String, String> metadata) {
        /** Takes a copy. */
        public Options {
            metadata = Map.copyOf(metadata);
        }

        /** Any number of images, no strings. */
        public static final Options STANDARD = new Options(true, Map.of());
    }

    /**
     * Writes a graph with the values that its variables have now.
     *
     * @param path where to; a file that is there is replaced
     * @param evaluation F32 in and out, without updates and random numbers: as a module records it in a builder that does not train, before any fusion for a device
     * @param weights values of the variables
     * @throws CallerException if an op has no ONNX form here, which names it, or the file would be larger than protobuf's 2 GiB
     * @throws DataException if the file cannot be written
     */
    public static void write(Path path, Graph evaluation, State weights, Options options) {
        Message model = model(evaluation, weights, options);
        if (model.size() > Integer.MAX_VALUE) {
            throw new CallerException("export", "too large for one ONNX file", model.size() + " bytes", "less than 2 GiB, protobuf's limit", "export a smaller network");
        }
        AtomicFile.writeStream(path, model::writeTo);
    }

    private static Message model(Graph evaluation, State weights, Options options) {
        Message opset = new Message().text(1, "").number(2, OPSET);
        String version = OnnxFile.class.getPackage().getImplementationVersion();
        Message model = new Message().number(1, IR).text(2, "jacquard").text(3, version == null ? "" : version)
                .message(7, new Translation(evaluation, weights, options.anyBatch).run()).message(8, opset);
        options.metadata.entrySet().stream().sorted(Map.Entry.comparingByKey()).forEach(e -> model.message(14, new Message().text(1, e.getKey()).text(2, e.getValue())));
        return model;
    }
}

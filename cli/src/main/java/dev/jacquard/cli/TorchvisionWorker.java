package dev.jacquard.cli;

import dev.jacquard.tensor.CallerException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** torchvision's side of {@code jacquard data bench}: scripts/torchvision_pipeline.py, which greets with its versions. */
final class TorchvisionWorker implements AutoCloseable {
    /** A turn may be as long as the user says. */
    private static final Duration PATIENCE = Duration.ofHours(1);

    private final AskedProcess process;
    private final String versions;

    /** Starts it. @throws CallerException if it does not start, for lack of Python or torchvision say */
    TorchvisionWorker(String python, Path script, List<String> arguments) {
        List<String> command = new ArrayList<>(List.of(python, script.toString()));
        command.addAll(arguments);
        command.add("--serve");
        try {
            process = new AskedProcess(new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD), PATIENCE);
        } catch (IOException e) {
            throw unavailable(e);
        }
        try {
            versions = process.answer();
        } catch (AskedProcess.Refused e) {
            process.close();
            throw unavailable(e);
        }
    }

    private static CallerException unavailable(Exception e) {
        return new CallerException("--compare", "does not start", String.valueOf(e.getMessage()), "a Python with torchvision and Pillow",
                "name one with --python, or leave --compare out", e);
    }

    /** {@code torchvision 0.14.1 pillow 9.4.0}. */
    String versions() {
        return versions;
    }

    /** Images per second of a pipeline's batches. */
    double pipeline(String name, double seconds) {
        try {
            String[] words = process.ask("time " + name + " " + seconds).split(" ");
            return Double.parseDouble(words[0]) / Double.parseDouble(words[1]);
        } catch (AskedProcess.Refused e) {
            throw new CallerException("--compare", "the worker has failed", String.valueOf(e.getMessage()), "images and seconds", "run the script by hand to see why", e);
        }
    }

    @Override
    public void close() {
        process.close();
    }
}

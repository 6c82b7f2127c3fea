package dev.jacquard.cli;

import dev.jacquard.tensor.CallerException;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** torchvision's side of {@code jacquard data bench}: scripts/torchvision_pipeline.py, which is asked in lines and answers each with one. */
final class TorchvisionWorker implements AutoCloseable {
    private final Process process;
    private final BufferedReader answers;
    private final BufferedWriter questions;
    private final String versions;

    /** Starts it. @throws CallerException if it does not start, for lack of Python or torchvision say */
    TorchvisionWorker(String python, Path script, List<String> arguments) {
        try {
            List<String> command = new ArrayList<>(List.of(python, script.toString()));
            command.addAll(arguments);
            command.add("--serve");
            process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
            answers = process.inputReader(StandardCharsets.UTF_8);
            questions = process.outputWriter(StandardCharsets.UTF_8);
            versions = answer();
        } catch (IOException e) {
            throw new CallerException("--compare", "does not start", String.valueOf(e.getMessage()), "a Python with torchvision and Pillow",
                    "name one with --python, or leave --compare out", e);
        }
    }

    /** {@code torchvision 0.14.1 pillow 9.4.0}. */
    String versions() {
        return versions;
    }

    /** Images per second of a pipeline's batches. */
    double pipeline(String name, double seconds) {
        return ask("time", name, seconds);
    }

    /** Images per second of one thread in one stage. */
    double stage(String name, double seconds) {
        return ask("stage", name, seconds);
    }

    private double ask(String verb, String name, double seconds) {
        try {
            questions.write(verb + " " + name + " " + seconds);
            questions.newLine();
            questions.flush();
            String[] words = answer().split(" ");
            return Double.parseDouble(words[0]) / Double.parseDouble(words[1]);
        } catch (IOException e) {
            throw new CallerException("--compare", "the worker has failed", String.valueOf(e.getMessage()), "images and seconds", "run the script by hand to see why", e);
        }
    }

    private String answer() throws IOException {
        String line = answers.readLine();
        if (line == null || !line.startsWith("ok ")) {
            throw new IOException(line == null ? "it has ended" : line);
        }
        return line.substring(3);
    }

    @Override
    public void close() {
        PythonProcess.close(process, questions);
    }
}

package dev.jacquard.cli;

import dev.jacquard.tensor.CallerException;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * PyTorch's side of {@code jacquard bench}: a process that lives as long as the bench, so that the two sides can take turns. It is asked in lines and answers each with one: {@code ok ...} or {@code no
 * reason}; bench/gpu/pytorch_worker.py says which.
 */
final class PyTorchWorker implements AutoCloseable {
    private final Process process;
    private final BufferedReader answers;
    private final BufferedWriter questions;
    private final String versions;

    /** What the worker says about a case that it cannot do. */
    static final class Refused extends Exception {
        private static final long serialVersionUID = 1;

        Refused(String why) {
            super(why);
        }
    }

    /** Starts it. @param device cuda or cpu @throws CallerException if it does not start, for lack of Python or PyTorch say */
    PyTorchWorker(String python, Path script, String device, Path log) {
        try {
            process = new ProcessBuilder(python, script.toString(), device).redirectError(log.toFile()).start();
            answers = process.inputReader(StandardCharsets.UTF_8);
            questions = process.outputWriter(StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new CallerException("--pytorch", "does not start", e.getMessage(), "a Python with PyTorch", "name one with --python, or leave --pytorch out", e);
        }
        try {
            versions = ask("hello");
        } catch (Refused e) {
            close();
            throw new CallerException("--pytorch", "does not start", e.getMessage(), "a Python with PyTorch", "look into " + log + ", or leave --pytorch out", e);
        }
    }

    /** {@code torch 2.11.0 cuda 13.0 cudnn 91900 NVIDIA H200}. */
    String versions() {
        return versions;
    }

    private String ask(String question) throws Refused {
        try {
            questions.write(question);
            questions.newLine();
            questions.flush();
            String answer = answers.readLine();
            if (answer == null) {
                throw new Refused("the worker has ended");
            }
            if (!answer.startsWith("ok")) {
                throw new Refused(answer.replaceFirst("^no ", ""));
            }
            return answer.substring(2).strip();
        } catch (IOException e) {
            throw new Refused("the worker is gone: " + e.getMessage());
        }
    }

    /** What the device can do, as {@code name=figure unit} each. */
    List<String> limits() throws Refused {
        return List.of(ask("limits").split(";"));
    }

    /** Prepares a case in one of PyTorch's modes. */
    BenchContender prepare(BenchCase c, String mode) throws Refused {
        ask(String.format(Locale.ROOT, "prepare %s %s %s %s %d %d", c.verb(), c.arch(), mode, c.precision(), c.batch(), c.px()));
        return new Prepared(mode);
    }

    private final class Prepared implements BenchContender {
        private final String mode;

        Prepared(String mode) {
            this.mode = mode;
        }

        @Override
        public String name() {
            return "pytorch " + mode;
        }

        @Override
        public double[] time(double seconds) {
            return Arrays.stream(must("time " + seconds).split(" ")).mapToDouble(Double::parseDouble).toArray();
        }

        @Override
        public long memoryBytes() {
            return Long.parseLong(must("memory"));
        }

        @Override
        public void close() {
            must("drop");
        }

        private String must(String question) {
            try {
                return ask(question);
            } catch (Refused e) {
                throw new UncheckedIOException(new IOException(name() + ": " + e.getMessage(), e));
            }
        }
    }

    @Override
    public void close() {
        try {
            questions.close();
            if (!process.waitFor(5, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (IOException e) {
            process.destroyForcibly();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}

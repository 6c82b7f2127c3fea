package dev.jacquard.cli;

import dev.jacquard.cli.AskedProcess.Refused;
import dev.jacquard.tensor.CallerException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * PyTorch's side of {@code jacquard bench}: bench/gpu/pytorch_worker.py, which says what it may be asked.
 */
final class PyTorchWorker implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PyTorchWorker.class);
    /** Longer than any answer takes, preparing with max-autotune included. */
    private static final Duration PATIENCE = Duration.ofSeconds(150);

    private final AskedProcess process;
    private final String versions;

    /** Starts it. @param device cuda or cpu @throws CallerException if it does not start, for lack of Python or PyTorch say */
    PyTorchWorker(String python, Path script, String device, Path log) {
        this(python, script, device, log, PATIENCE);
    }

    /** The same with another limit. @param patience time to answer in; who takes longer is ended */
    PyTorchWorker(String python, Path script, String device, Path log, Duration patience) {
        try {
            Files.createDirectories(log.toAbsolutePath().getParent());
            process = new AskedProcess(new ProcessBuilder(python, script.toString(), device).redirectError(log.toFile()), patience);
        } catch (IOException e) {
            throw new CallerException("--pytorch", "does not start", e.getMessage(), "a Python with PyTorch", "name one with --python, or leave --pytorch out", e);
        }
        try {
            versions = process.ask("hello");
        } catch (Refused e) {
            close();
            throw new CallerException("--pytorch", "does not start", e.getMessage(), "a Python with PyTorch", "look into " + log + ", or leave --pytorch out", e);
        }
    }

    /** {@code torch 2.11.0 cuda 13.0 cudnn 91900 NVIDIA H200}. */
    String versions() {
        return versions;
    }

    /** What the device can do, as {@code name=figure unit} each. */
    List<String> limits() throws Refused {
        return List.of(process.ask("limits").split(";"));
    }

    /** Prepares a case in one of PyTorch's modes. */
    BenchContender prepare(BenchCase c, String mode) throws Refused {
        process.ask(String.format(Locale.ROOT, "prepare %s %s %s %s %d %d", c.verb(), c.arch(), mode, c.precision(), c.batch(), c.px()));
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
            return number(must("time " + seconds), answer -> {
                double[] ms = Arrays.stream(answer.split(" ")).mapToDouble(Double::parseDouble).toArray();
                if (Arrays.stream(ms).anyMatch(t -> !(t > 0) || Double.isInfinite(t))) {
                    throw new NumberFormatException("no times");
                }
                return ms;
            });
        }

        @Override
        public long memoryBytes() {
            return number(must("memory"), Long::parseLong);
        }

        @Override
        public void close() {
            try {
                process.ask("drop");
            } catch (Refused e) {
                LOG.debug("{}: {}", name(), e.getMessage()); // what was measured counts; the next case will hear of it
            }
        }

        private <T> T number(String answer, Function<String, T> parse) {
            try {
                return parse.apply(answer);
            } catch (NumberFormatException e) {
                throw new UncheckedIOException(new IOException(name() + " answers with no figures: '" + answer + "'", e));
            }
        }

        private String must(String question) {
            try {
                return process.ask(question);
            } catch (Refused e) {
                throw new UncheckedIOException(new IOException(name() + ": " + e.getMessage(), e));
            }
        }
    }

    @Override
    public void close() {
        process.close();
    }
}

package dev.jacquard.cli;

import dev.jacquard.mixedprecision.MixedPrecision;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.train.Predictor;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which network a command works with: a weights file and what is to be known of it. */
final class WeightsOptions {
    @Option(names = "--arch", paramLabel = "NAME", description = "Architecture. Default: what the weights file says")
    private String arch;

    @Option(names = "--weights", paramLabel = "FILE", required = true,
            description = "Weights (safetensors, .pt, .pth); those saved by train carry the names of the classes.")
    private Path file;

    @Option(names = "--ema", description = "Take the averaged weights of a checkpoint.")
    private boolean averaged;

    /** The same with the type to compute in. */
    static final class InAnyType {
        @Mixin
        private WeightsOptions weights;

        @Option(names = "--amp", paramLabel = "off|fp16|bf16", defaultValue = "off",
                description = "Compute in a half-precision type, with weights that are rounded once. Default: ${DEFAULT-VALUE}")
        private String amp;

        /** Loads them. @param backend where to compute; the caller's to close, after this */
        Predictor load(Backend backend) {
            return weights.load(Amp.of("--amp", amp), backend);
        }

        @Override
        public String toString() {
            return weights.toString();
        }
    }

    /** Loads them in F32. @param backend where to compute; the caller's to close, after this */
    Predictor load(Backend backend) {
        return load(null, backend);
    }

    private Predictor load(MixedPrecision precision, Backend backend) {
        return Predictor.load(arch, file, averaged, precision, backend);
    }

    /** The file. */
    @Override
    public String toString() {
        return file.toString();
    }
}

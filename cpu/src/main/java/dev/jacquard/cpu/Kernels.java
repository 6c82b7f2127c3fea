package dev.jacquard.cpu;

import dev.jacquard.cpu.x64.Emission;
import dev.jacquard.cpu.x64.EmittedSimd;
import dev.jacquard.cpu.x64.InstructionSet;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Chooses the innermost loops once per process: emitted code where that runs, else the Vector API when the JVM offers it, scalar loops otherwise. */
public final class Kernels {
    /** System property {@code auto}, {@code emitted}, {@code avx2}, {@code vector} or {@code scalar}: forces an implementation, for tests. */
    public static final String PROPERTY = "jacquard.cpu.kernels";

    private static final Logger LOG = LoggerFactory.getLogger(Kernels.class);

    private Kernels() {}

    private static final class Holder {
        static final Optional<InstructionSet> CODE = chooseCode();
        static final Simd CHOSEN = choose();
    }

    /** For which instructions kernels are emitted in this process; empty if none are. */
    static Optional<InstructionSet> code() {
        return Holder.CODE;
    }

    private static Optional<InstructionSet> chooseCode() {
        String asked = System.getProperty(PROPERTY, "auto");
        if (asked.equals("scalar") || asked.equals("vector")) {
            return Optional.empty();
        }
        List<InstructionSet> sets = asked.equals("avx2") ? List.of(InstructionSet.AVX2) : List.of(InstructionSet.AVX512, InstructionSet.AVX2);
        for (InstructionSet set : sets) {
            Optional<String> why = Emission.refusal(set);
            if (why.isEmpty()) {
                return Optional.of(set);
            }
            LOG.info("cpu kernels: no emitted {} code: {}", set.label(), why.get());
        }
        return Optional.empty();
    }

    /** The implementation of this process. */
    public static Simd get() {
        return Holder.CHOSEN;
    }

    /** The scalar loops, whatever the process uses. */
    static Simd scalar() {
        return new ScalarKernels();
    }

    private static Simd choose() {
        if ("scalar".equals(System.getProperty(PROPERTY))) {
            LOG.info("cpu kernels: scalar loops, asked for by -D{}=scalar", PROPERTY);
            return new ScalarKernels();
        }
        Optional<InstructionSet> code = Holder.CODE;
        if (code.isPresent()) {
            Simd emitted = new EmittedSimd(code.get());
            LOG.debug("cpu kernels: {}", emitted.describe());
            return emitted;
        }
        if (!VectorModule.load()) {
            LOG.warn("cpu kernels: the Vector API is not available, so plain loops are used, many times slower; start the JVM with --add-modules jdk.incubator.vector");
            return new ScalarKernels();
        }
        try {
            CompilerDirectives.keepOutOfC1();
            Simd vector = (Simd) Class.forName("dev.jacquard.cpu.simd.VectorKernels").getConstructor().newInstance();
            LOG.debug("cpu kernels: {}", vector.describe());
            return vector;
        } catch (ReflectiveOperationException | LinkageError e) {
            LOG.warn("cpu kernels: the Vector API does not start on this JVM, so plain loops are used, many times slower; use JDK 25 with --add-modules jdk.incubator.vector", e);
        }
        return new ScalarKernels();
    }
}

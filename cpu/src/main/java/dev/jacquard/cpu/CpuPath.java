package dev.jacquard.cpu;

import dev.jacquard.cpu.x64.Emission;
import dev.jacquard.cpu.x64.EmittedSimd;
import dev.jacquard.cpu.x64.InstructionSet;
import dev.jacquard.tensor.DeviceException;
import dev.jacquard.tensor.backend.BackendOptions.CpuKernels;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An implementation of the CPU backend's kernels. There are four, from fast to slow: code emitted for AVX-512, the same for AVX2, the Vector API, plain Java. Each is looked for
 * once per process.
 *
 * @param name as people write it
 * @param simd innermost loops
 * @param code for which instructions kernels of whole ops are emitted; empty if none are
 * @param notTaken the better ones, each with the reason why it does not run here
 */
record CpuPath(String name, Simd simd, Optional<InstructionSet> code, List<String> notTaken) {
    /** System property with the name of a {@link CpuKernels} in lower case: what {@link CpuKernels#AUTO} means in this process. */
    static final String PROPERTY = "jacquard.cpu.kernels";

    private static final Logger LOG = LoggerFactory.getLogger(CpuPath.class);
    private static final Map<CpuKernels, CpuPath> FOUND = new EnumMap<>(CpuKernels.class);

    /** What is found, or why it does not run here. */
    private record Attempt(String name, Simd simd, Optional<InstructionSet> code, String refusal) {
        static Attempt of(String name, Simd simd, InstructionSet code) {
            return new Attempt(name, simd, Optional.ofNullable(code), null);
        }

        static Attempt refused(String name, String why) {
            return new Attempt(name, null, Optional.empty(), why);
        }
    }

    private interface Way {
        Attempt attempt();
    }

    /** The path that is asked for. @throws DeviceException if it does not run here; {@link CpuKernels#AUTO} always does */
    static synchronized CpuPath of(CpuKernels asked) {
        CpuKernels which = asked == CpuKernels.AUTO ? fromProperty() : asked;
        CpuPath known = FOUND.get(which);
        if (known == null) {
            known = find(which);
            FOUND.put(which, known);
        }
        return known;
    }

    private static CpuKernels fromProperty() {
        String said = System.getProperty(PROPERTY, "auto");
        for (CpuKernels k : CpuKernels.values()) {
            if (k.name().toLowerCase(java.util.Locale.ROOT).equals(said)) {
                return k;
            }
        }
        throw new DeviceException("-D" + PROPERTY, "no such kernels", said, "auto, emitted, avx2, vector or scalar", "choose one of these");
    }

    private static CpuPath find(CpuKernels which) {
        List<Way> ways = switch (which) {
            case AUTO -> List.of(() -> emitted(InstructionSet.AVX512), () -> emitted(InstructionSet.AVX2), CpuPath::vector, CpuPath::scalar);
            case EMITTED -> List.of(() -> emitted(InstructionSet.AVX512), () -> emitted(InstructionSet.AVX2));
            case AVX2 -> List.of(() -> emitted(InstructionSet.AVX2));
            case VECTOR -> List.of(CpuPath::vector);
            case SCALAR -> List.of(CpuPath::scalar);
        };
        List<String> refused = new ArrayList<>();
        for (Way w : ways) {
            Attempt a = w.attempt();
            if (a.refusal == null) {
                CpuPath found = new CpuPath(a.name, a.simd, a.code, List.copyOf(refused));
                found.say();
                return found;
            }
            refused.add("no " + a.name + ": " + a.refusal);
        }
        throw new DeviceException("--cpu-kernels", "do not run here", String.join("; ", refused), "a processor and a JVM that have them",
                "leave the choice to auto; ./jacquard doctor says what that takes");
    }

    private void say() {
        if (notTaken.isEmpty()) {
            LOG.debug("cpu kernels: {}", name);
        } else if (code.isPresent()) {
            LOG.info("cpu kernels: {}; {}", name, String.join("; ", notTaken));
        } else {
            LOG.warn("cpu kernels: {}, slower than this processor can be; {}", name, String.join("; ", notTaken));
        }
    }

    private static Attempt emitted(InstructionSet set) {
        String name = "emitted " + set.label() + " code";
        return Emission.refusal(set).map(why -> Attempt.refused(name, why)).orElseGet(() -> Attempt.of(name, new EmittedSimd(set), set));
    }

    private static Attempt vector() {
        String name = "Vector API";
        if (!VectorModule.load()) {
            return Attempt.refused(name, "its module is not in this JVM; start it with --add-modules jdk.incubator.vector");
        }
        try {
            CompilerDirectives.keepOutOfC1();
            return Attempt.of(name, (Simd) Class.forName("dev.jacquard.cpu.simd.VectorKernels").getConstructor().newInstance(), null);
        } catch (ReflectiveOperationException | LinkageError e) {
            LOG.debug("the Vector API does not start", e);
            return Attempt.refused(name, "it does not start on this JVM (" + e + "); use JDK 25 with --add-modules jdk.incubator.vector");
        }
    }

    private static Attempt scalar() {
        return Attempt.of("plain Java", new ScalarKernels(), null);
    }
}

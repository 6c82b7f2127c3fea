package dev.jacquard.cpu.x64;

import dev.jacquard.tensor.backend.CodeMemory;
import java.util.Collections;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

/** Whether code can be emitted here, and for which instructions. */
public final class Emission {
    private Emission() {}

    /** Empty if kernels of an instruction set run on this machine; else why not. */
    public static Optional<String> refusal(InstructionSet set) {
        try {
            return CpuFeatures.get().has(set) ? Optional.empty() : Optional.of("this processor, or this system, has no " + set.label());
        } catch (CodeMemory.Refused e) {
            return Optional.of(e.getMessage());
        }
    }

    /**
     * Floating-point operations per second of fused multiply-adds on registers alone, in billions: what threads that run side by side, each on a core of its own, can do at most.
     * Empty if code cannot be emitted here. Takes some 50 ms.
     */
    public static OptionalDouble peak(int threads) {
        Optional<InstructionSet> set = Stream.of(InstructionSet.AVX512, InstructionSet.AVX2).filter(s -> refusal(s).isEmpty()).findFirst();
        return set.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(together(threads, () -> FmaPeak.gigaflops(set.get())));
    }

    private static double together(int threads, Callable<Double> one) {
        try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            double sum = 0;
            for (Future<Double> each : pool.invokeAll(Collections.nCopies(threads, one))) {
                sum += each.get();
            }
            return sum;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Double.NaN;
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }
}

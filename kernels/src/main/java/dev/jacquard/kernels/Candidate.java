package dev.jacquard.kernels;

import java.util.function.Function;

/** One of several ways to compute an op on operands of given types: a kernel with a tile, a split of the depth, an engine of a library. */
interface Candidate {
    /** What identifies it among the op's candidates, in messages and in the file of choices: {@code mma 128x128 split 3}. One line without tabs, stable from version to version. */
    String name();

    /** Scratch in bytes. */
    long workspace();

    /** Binds it to operands of those types. */
    CudaLaunch bind(Call call);

    /** Whether it is one of our kernels, whose results others are measured by; libraries' engines are not. */
    default boolean own() {
        return true;
    }

    /** A candidate of its parts. */
    static Candidate of(String name, long workspace, Function<Call, CudaLaunch> bind) {
        return new Made(name, workspace, true, bind);
    }

    /** The same of a library. */
    static Candidate ofLibrary(String name, long workspace, Function<Call, CudaLaunch> bind) {
        return new Made(name, workspace, false, bind);
    }

    /** See {@link #of}. */
    record Made(String name, long workspace, boolean own, Function<Call, CudaLaunch> binding) implements Candidate {
        @Override
        public CudaLaunch bind(Call call) {
            return binding.apply(call);
        }

        @Override
        public String toString() {
            return name;
        }
    }
}

package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Epilogue;
import dev.jacquard.tensor.op.Nonlinearity;

/**
 * Emits what an epilogue does to sums in registers by numbers per channel, and its activation. Where that is SiLU, both numbers are multiplied beforehand by what its power of two
 * begins with ({@link Activations#takesScaled}).
 */
record ChannelCode(Assembler a, InstructionSet set, Epilogue epilogue) {
    /** Whether sums are then as {@link Activations#applyToScaled} takes them. */
    boolean scaled() {
        return Activations.takesScaled(epilogue, set);
    }

    /** Makes loaded numbers those that {@link #apply} takes. */
    void prepare(Vec scale, Vec shift) {
        if (scaled()) {
            a.vmulps(scale, scale, Activations.MINUS_LOG2_E);
            a.vmulps(shift, shift, Activations.MINUS_LOG2_E);
        }
    }

    /** A vector of sums, scaled and shifted as far as the epilogue says so; what it has not may be null. */
    void apply(Vec sum, Vec scale, Vec shift) {
        if (epilogue.scale() && epilogue.shift()) {
            a.vfmadd213ps(sum, scale, shift);
        } else if (epilogue.scale()) {
            a.vmulps(sum, sum, scale);
        } else if (epilogue.shift()) {
            a.vaddps(sum, sum, shift);
        }
    }

    /** The activation of sums that went through all of {@link #apply}. @param free registers, {@link Activations#TEMPORARIES} if there is to be SiLU */
    void activate(Vec[] sums, Vec... free) {
        Activations activations = new Activations(a, set, free);
        if (scaled()) {
            activations.applyToScaled(sums);
        } else {
            activations.apply(epilogue.activation() == null ? Nonlinearity.NONE : epilogue.activation(), sums);
        }
    }
}

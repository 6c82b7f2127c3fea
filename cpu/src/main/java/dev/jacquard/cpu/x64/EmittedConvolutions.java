package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Conv;
import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Epilogue;
import dev.jacquard.cpu.GatherPlan;
import dev.jacquard.cpu.PackedConv;
import dev.jacquard.cpu.Workers;
import java.util.Optional;

/** Chooses the emitted kernel of a convolution by its shape; empty where there is none, and the portable driver is taken. */
public final class EmittedConvolutions {
    private EmittedConvolutions() {}

    private static boolean narrow(ConvShape s) {
        return s.groups() > 1 && Math.min(s.groupC(), s.groupK()) < 8;
    }

    /** y from x and w. */
    public static Optional<PackedConv> forward(ConvShape shape, Epilogue epilogue, Workers workers, InstructionSet set) {
        // Narrow groups leave most of a vector unused; an epilogue has no other kernel yet.
        return narrow(shape) && epilogue.equals(Epilogue.NONE) ? Optional.empty() : Optional.of(new DenseConv(GatherPlan.forward(shape), epilogue, workers, set));
    }

    /** dx from dy and w. */
    public static Optional<PackedConv> backwardData(ConvShape shape, Workers workers, InstructionSet set) {
        return narrow(shape) ? Optional.empty() : Optional.of(new DenseConv(GatherPlan.backwardData(shape), Epilogue.NONE, workers, set));
    }

    /** dw from x and dy. */
    public static Optional<Conv> backwardWeight(ConvShape shape, Workers workers, InstructionSet set) {
        return Optional.empty();
    }
}

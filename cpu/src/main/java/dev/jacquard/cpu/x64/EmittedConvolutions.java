package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Conv;
import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Epilogue;
import dev.jacquard.cpu.PackedConv;
import dev.jacquard.cpu.Workers;
import java.util.Optional;

/** Chooses the emitted kernel of a convolution by its shape; empty where there is none, and the portable driver is taken. */
public final class EmittedConvolutions {
    private EmittedConvolutions() {}

    /** y from x and w. */
    public static Optional<PackedConv> forward(ConvShape shape, Epilogue epilogue, Workers workers, InstructionSet set) {
        return shape.groups() > 1 ? GroupedConv.forward(shape, epilogue, workers, set) : Optional.empty();
    }

    /** dx from dy and w. */
    public static Optional<PackedConv> backwardData(ConvShape shape, Workers workers, InstructionSet set) {
        return shape.groups() > 1 ? GroupedConv.backwardData(shape, workers, set) : Optional.empty();
    }

    /** dw from x and dy. */
    public static Optional<Conv> backwardWeight(ConvShape shape, Workers workers, InstructionSet set) {
        return shape.groups() > 1 ? GroupedWeightGradient.plan(shape, workers, set) : Optional.empty();
    }
}

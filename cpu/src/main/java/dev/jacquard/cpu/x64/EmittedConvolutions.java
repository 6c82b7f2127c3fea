package dev.jacquard.cpu.x64;

import dev.jacquard.cpu.Conv;
import dev.jacquard.cpu.ConvShape;
import dev.jacquard.cpu.Epilogue;
import dev.jacquard.cpu.GatherPlan;
import dev.jacquard.cpu.PackedConv;
import dev.jacquard.cpu.Workers;
import java.util.Optional;

/** Chooses the emitted kernel of a convolution by its shape. */
public final class EmittedConvolutions {
    /** Channels from which on a group is a product of its own. */
    private static final int LEAST_GROUP = 16;

    /** Vectors from which on the weights of a group are better summed up as a product of matrices. */
    private static final int WIDE_GROUP = 2;

    private EmittedConvolutions() {}

    /** y from x and w: by groups, by Winograd's algorithm, from padded rows, or, what takes every shape, as a product. Statistics are made if the epilogue has them. */
    public static PackedConv forward(ConvShape shape, Epilogue epilogue, Workers workers, InstructionSet set) {
        return GroupedConv.forward(shape, epilogue, workers, set)
                .or(() -> WinogradChoice.forward(shape, set).map(plan -> new WinogradConv(plan, epilogue, workers, set)))
                .orElseGet(() -> PaddedConv.takes(shape) ? new PaddedConv(shape, epilogue, workers, set) : new DenseConv(GatherPlan.forward(shape), epilogue, workers, set));
    }

    /** y from gated x and w: 1x1, without stride, padding and groups. */
    public static PackedConv gated(ConvShape shape, Epilogue epilogue, Workers workers, InstructionSet set) {
        return new DenseConv(GatherPlan.forward(shape), epilogue, true, workers, set);
    }

    /** dx from dy and w, likewise. */
    public static PackedConv backwardData(ConvShape shape, Workers workers, InstructionSet set) {
        return backwardData(shape, Epilogue.NONE, workers, set);
    }

    /** dx from dy and w, with what an epilogue does to sums; of one group if it rectifies or sums up. */
    public static PackedConv backwardData(ConvShape shape, Epilogue epilogue, Workers workers, InstructionSet set) {
        return GroupedConv.backwardData(shape, epilogue, workers, set)
                .or(() -> WinogradChoice.backwardData(shape, set).map(plan -> new WinogradConv(plan, epilogue, workers, set)))
                .orElseGet(() -> new DenseConv(GatherPlan.backwardData(shape), epilogue, workers, set));
    }

    /**
     * Whether a gradient of images can be summed up per channel where it is made ({@link Epilogue.Sums#GRADIENT}). Where rows of a vector and a half have a kernel of their own,
     * which has no registers for that, a pass over those few channels costs less than lanes that are left empty.
     */
    public static boolean sumsGradients(ConvShape s) {
        boolean pointwise = s.r() * s.s() * s.strideH() * s.strideW() == 1;
        return s.groups() == 1 && !(pointwise && PairKernel.takes(InstructionSet.AVX512, s.c(), s.k(), Epilogue.NONE));
    }

    /** dw from x and dy. Empty where no kernel fits, groups of a few channels that do not lie on vectors among others: the portable plan takes those. */
    public static Optional<Conv> backwardWeight(ConvShape shape, Workers workers, InstructionSet set) {
        boolean dense = (shape.groups() == 1 || shape.groupC() >= LEAST_GROUP && shape.groupK() >= LEAST_GROUP) && WeightGradient.fits(shape);
        boolean wide = Math.min(shape.groupC(), shape.groupK()) >= WIDE_GROUP * set.lanes();
        return DepthwiseWeightGradient.plan(shape, workers, set)
                .or(() -> dense && wide ? Optional.empty() : GroupedWeightGradient.plan(shape, workers, set))
                .or(() -> dense ? Optional.of(denseWeight(shape, workers, set)) : Optional.empty());
    }

    private static Conv denseWeight(ConvShape shape, Workers workers, InstructionSet set) {
        return WinogradChoice.backwardWeight(shape, set).<Conv>map(plan -> new WinogradWeightGradient(plan, workers, set))
                .orElseGet(() -> StagedWeightGradient.takes(shape, set) ? new StagedWeightGradient(shape, workers, set) : WeightGradient.of(shape, workers, set));
    }
}

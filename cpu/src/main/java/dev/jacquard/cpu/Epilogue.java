package dev.jacquard.cpu;

import dev.jacquard.tensor.op.Nonlinearity;

/**
 * What is done to the sums of a convolution or product before they are stored: {@code activation(sum * scale + shift + residual)}, as far as there is any of it; of gradients, what
 * a ReLU before them lets through.
 *
 * @param scale whether sums are multiplied by a number per channel
 * @param shift whether a number per channel is added
 * @param residual whether something of the result's shape is added
 * @param activation what comes last
 * @param rectified whether what a {@link RectifiedConv} is told is not positive makes zeros, after all else; of backwards of data only, which have neither shift nor activation
 * @param statistics whether mean and variance of each channel are made of what is stored, as {@link StatisticsConv} says; without any of the others
 */
public record Epilogue(boolean scale, boolean shift, boolean residual, Nonlinearity activation, boolean rectified, boolean statistics) {
    /** Sums are stored as they are. */
    public static final Epilogue NONE = new Epilogue(false, false, false, Nonlinearity.NONE);

    /** Sums are stored as they are, and go into their channel's statistics. */
    public static final Epilogue STATISTICS = new Epilogue(false, false, false, Nonlinearity.NONE, false, true);

    /** Another gradient is added. @param rectified whether the sum goes on through a ReLU */
    public static Epilogue ofGradient(boolean rectified) {
        return new Epilogue(false, false, true, Nonlinearity.NONE, rectified, false);
    }

    /** Of a forward product that makes no statistics. */
    public Epilogue(boolean scale, boolean shift, boolean residual, Nonlinearity activation) {
        this(scale, shift, residual, activation, false, false);
    }
}

package dev.jacquard.cpu;

import dev.jacquard.tensor.op.Nonlinearity;

/**
 * What is done to the sums of a convolution or product before they are stored: {@code activation(sum * scale + shift + residual)}, as far as there is any of it.
 *
 * @param scale whether sums are multiplied by a number per channel
 * @param shift whether a number per channel is added
 * @param residual whether something of the result's shape is added
 * @param activation what comes last
 * @param statistics whether mean and variance of each channel are made of what is stored, as {@link StatisticsConv} says; without any of the others
 */
public record Epilogue(boolean scale, boolean shift, boolean residual, Nonlinearity activation, boolean statistics) {
    /** Sums are stored as they are. */
    public static final Epilogue NONE = new Epilogue(false, false, false, Nonlinearity.NONE);

    /** Sums are stored as they are, and go into their channel's statistics. */
    public static final Epilogue STATISTICS = new Epilogue(false, false, false, Nonlinearity.NONE, true);

    /** An epilogue without statistics. */
    public Epilogue(boolean scale, boolean shift, boolean residual, Nonlinearity activation) {
        this(scale, shift, residual, activation, false);
    }
}

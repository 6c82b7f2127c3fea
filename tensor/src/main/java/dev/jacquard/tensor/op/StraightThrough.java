package dev.jacquard.tensor.op;

/** An op whose gradient is a convention and not its derivative, such as that of a rounding; finite differences have nothing to say about it. */
public interface StraightThrough extends Op {}

package dev.jacquard.cpu;

/** A backward of data to images that came out of a ReLU: where they are not positive, the gradient is zero. */
public interface RectifiedConv extends PackedConv {
    /** Says where the images of all later runs lie; they are of the result's shape. */
    void rectifier(long address);
}

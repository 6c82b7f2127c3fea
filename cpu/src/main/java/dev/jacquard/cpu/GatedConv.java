package dev.jacquard.cpu;

/** A 1x1 convolution of images whose channels are multiplied by gates as they are read. */
public interface GatedConv extends PackedConv {
    /** Says where the gates of all later runs lie: a float per image and channel. */
    void gates(long address);
}

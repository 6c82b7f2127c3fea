package dev.jacquard.layers;

/** How a recipe's learning rate follows the size of what is trained on. */
public enum LrScaling {
    /** Not at all: the recipe says the final rate. NVIDIA's PyTorch system. */
    NONE,
    /** In proportion to the global batch, accumulation included, over 128. NVIDIA's TensorFlow system. */
    BATCH_128,
    /** In proportion to the global batch over 256 (Goyal et al. 2017, arXiv:1706.02677). */
    BATCH_256,
    /** In proportion to the number of trainers, whatever the batch of each. NVIDIA's Paddle system. */
    TRAINERS;

    /**
     * The scaled rate.
     *
     * @param lr what the recipe says
     * @param globalBatch images per update, over all devices
     * @param trainers devices
     */
    public double scaled(double lr, long globalBatch, long trainers) {
        return switch (this) {
            case NONE -> lr;
            case BATCH_128 -> lr * globalBatch / 128;
            case BATCH_256 -> lr * globalBatch / 256;
            case TRAINERS -> lr * trainers;
        };
    }
}

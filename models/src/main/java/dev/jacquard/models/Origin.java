package dev.jacquard.models;

/** Systems that publish networks and weights. One architecture has other constants in each: {@link ModelRow#as} gives a row as one of them has it. */
public enum Origin {
    /** torchvision 0.14: ResNets and EfficientNet with the paper's gates; the constants are those of the first published weights. */
    TORCHVISION,
    /** NVIDIA DeepLearningExamples for PyTorch: ResNet50, ResNeXt101, SE-ResNeXt101 with 16 units, EfficientNet with both kinds of gate. */
    NVIDIA,
    /** NVIDIA DeepLearningExamples for TensorFlow 2: EfficientNet with the paper's gates. */
    TENSORFLOW,
    /** NVIDIA DeepLearningExamples for Paddle: ResNet50 on images of four channels. */
    PADDLE
}

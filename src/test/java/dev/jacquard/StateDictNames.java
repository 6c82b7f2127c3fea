package dev.jacquard;

import dev.jacquard.tensor.Shape;
import java.util.List;

/**
 * What libraries call the variables of these networks, transcribed from their code for tests and from nothing of ours: torchvision, timm (resnet.py,
 * _efficientnet_blocks.py, efficientnet.py), NVIDIA's DeepLearningExamples (PyTorch/Classification/ConvNets, resnet.py, efficientnet.py, common.py).
 */
enum StateDictNames {
    TORCHVISION {
        @Override
        String resNet(String name) {
            return name;
        }

        @Override
        String efficientNet(String[] path) {
            return String.join(".", path);
        }

        @Override
        Shape gate(Shape ours) {
            return ours;
        }
    },
    TIMM {
        @Override
        String resNet(String name) {
            return name.replace(".squeeze.squeeze.", ".se.fc1.").replace(".squeeze.expand.", ".se.fc2.");
        }

        @Override
        String efficientNet(String[] path) {
            return switch (path[0] + path[1]) {
                case "features0" -> (path[2].equals("0") ? "conv_stem." : "bn1.") + path[3];
                case "features8" -> (path[2].equals("0") ? "conv_head." : "bn2.") + path[3];
                case "classifier1" -> "classifier." + path[2];
                default -> "blocks." + (Integer.parseInt(path[1]) - 1) + "." + path[2] + "." + part(path) + path[6];
            };
        }

        private String part(String[] path) {
            if (path[5].startsWith("fc")) {
                return path[5].equals("fc1") ? "se.conv_reduce." : "se.conv_expand.";
            }
            boolean first = path[1].equals("1");
            boolean norm = path[5].equals("1");
            List<String> convolutions = first ? List.of("conv_dw.", "", "conv_pw.") : List.of("conv_pw.", "conv_dw.", "", "conv_pwl.");
            List<String> norms = first ? List.of("bn1.", "", "bn2.") : List.of("bn1.", "bn2.", "", "bn3.");
            return (norm ? norms : convolutions).get(Integer.parseInt(path[4]));
        }

        @Override
        Shape gate(Shape ours) {
            return Shape.of(ours.dim(0), ours.dim(1), 1, 1);
        }
    },
    NVIDIA {
        @Override
        String resNet(String name) {
            return name.startsWith("layer") ? "layers." + (name.charAt(5) - '1') + name.substring(6) : name;
        }

        @Override
        String efficientNet(String[] path) {
            return switch (path[0] + path[1]) {
                case "features0" -> (path[2].equals("0") ? "stem.conv." : "stem.bn.") + path[3];
                case "features8" -> (path[2].equals("0") ? "features.conv." : "features.bn.") + path[3];
                case "classifier1" -> "classifier.fc." + path[2];
                default -> "layers." + (Integer.parseInt(path[1]) - 1) + ".block" + path[2] + "." + part(path) + path[6];
            };
        }

        private String part(String[] path) {
            if (path[5].startsWith("fc")) {
                return path[5].equals("fc1") ? "se.squeeze." : "se.expand.";
            }
            List<String> parts = path[1].equals("1") ? List.of("depsep", "", "proj") : List.of("expand", "depsep", "", "proj");
            return parts.get(Integer.parseInt(path[4])) + (path[5].equals("0") ? ".conv." : ".bn.");
        }

        @Override
        Shape gate(Shape ours) {
            return Shape.of(ours.dim(0), ours.dim(1));
        }
    };

    abstract String resNet(String name);

    /** @param path parts of torchvision's name; of an inverted residual block's: features, stage, number, block, part, layer, variable */
    abstract String efficientNet(String[] path);

    /** Shape of a gate's weight: linear layers have (K, C), convolutions (K, C, 1, 1). */
    abstract Shape gate(Shape ours);

    /** @param name ours, which is torchvision's but for the gates of ResNets */
    String of(String name) {
        return name.startsWith("features.") || name.startsWith("classifier.") ? efficientNet(name.split("\\.")) : resNet(name);
    }

    /** The shape that a variable has in such a file. @param ours in PyTorch's order */
    Shape of(String name, Shape ours) {
        boolean gate = name.contains(".fc1.weight") || name.contains(".fc2.weight") || name.contains(".squeeze.squeeze.weight") || name.contains(".squeeze.expand.weight");
        return gate ? gate(ours) : ours;
    }
}

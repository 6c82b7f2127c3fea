package dev.jacquard.models;

import dev.jacquard.layers.Module;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.Variable;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * Whose names the tensors of a weights file have. A naming is a table of rewrites from our names, see {@link Rename}; since the variables of a model are known whenever a file is
 * read or written, the same table serves both ways: a file is read by looking for the names that the model's variables would be written under.
 */
public enum Naming {
    /** Our own: torchvision's where torchvision has the network, see {@link Family}. */
    OURS("ours", "", ""),

    /** torchvision's, which are ours. */
    TORCHVISION("torchvision", "", ""),

    /** Those of pytorch-image-models, its networks in TensorFlow's image ({@code tf_efficientnet_*}) included. Its legacy SE networks are others, they pool without padding. */
    TIMM("timm", """
            layer{s}.{b}.squeeze.squeeze    layer{s}.{b}.se.fc1              1x1
            layer{s}.{b}.squeeze.expand     layer{s}.{b}.se.fc2              1x1
            """, """
            features.0.0                    conv_stem
            features.0.1                    bn1
            features.1.{b}.block.0.0        blocks.0.{b}.conv_dw
            features.1.{b}.block.0.1        blocks.0.{b}.bn1
            features.1.{b}.block.1.fc1      blocks.0.{b}.se.conv_reduce      1x1
            features.1.{b}.block.1.fc2      blocks.0.{b}.se.conv_expand      1x1
            features.1.{b}.block.2.0        blocks.0.{b}.conv_pw
            features.1.{b}.block.2.1        blocks.0.{b}.bn2
            features.8.0                    conv_head
            features.8.1                    bn2
            features.{s}.{b}.block.0.0      blocks.{s-1}.{b}.conv_pw
            features.{s}.{b}.block.0.1      blocks.{s-1}.{b}.bn1
            features.{s}.{b}.block.1.0      blocks.{s-1}.{b}.conv_dw
            features.{s}.{b}.block.1.1      blocks.{s-1}.{b}.bn2
            features.{s}.{b}.block.2.fc1    blocks.{s-1}.{b}.se.conv_reduce  1x1
            features.{s}.{b}.block.2.fc2    blocks.{s-1}.{b}.se.conv_expand  1x1
            features.{s}.{b}.block.3.0      blocks.{s-1}.{b}.conv_pwl
            features.{s}.{b}.block.3.1      blocks.{s-1}.{b}.bn3
            classifier.1                    classifier
            """),

    /**
     * Those of NVIDIA DeepLearningExamples' PyTorch networks since 2021. Their gates are linear layers, or 1x1 convolutions where the network was made for TensorRT; both are read.
     */
    NVIDIA("nvidia", """
            layer{s}.{b}                    layers.{s-1}.{b}
            """, Tables.nvidia("layers.{s-1}", "layers.0")),

    /** Those of the weights that NVIDIA published in 2020 and 2021, before stages became a list. */
    NVIDIA_NGC("nvidia-ngc", "", Tables.nvidia("layer{s}", "layer1"));

    private final String label;
    private final Map<Family, List<Rename>> tables;

    Naming(String label, String resnet, String efficientnet) {
        this.label = label;
        this.tables = Map.of(Family.RESNET, Rename.table(resnet), Family.EFFICIENTNET, Rename.table(efficientnet));
    }

    /** What two namings share. */
    private static final class Tables {
        /** NVIDIA's EfficientNet. @param stage a stage's path @param first that of the first stage, whose blocks do not expand */
        static String nvidia(String stage, String first) {
            return """
                    features.0.0                    stem.conv
                    features.0.1                    stem.bn
                    features.1.{b}.block.0.0        FIRST.block{b}.depsep.conv
                    features.1.{b}.block.0.1        FIRST.block{b}.depsep.bn
                    features.1.{b}.block.1.fc1      FIRST.block{b}.se.squeeze        linear
                    features.1.{b}.block.1.fc2      FIRST.block{b}.se.expand         linear
                    features.1.{b}.block.2.0        FIRST.block{b}.proj.conv
                    features.1.{b}.block.2.1        FIRST.block{b}.proj.bn
                    features.8.0                    features.conv
                    features.8.1                    features.bn
                    features.{s}.{b}.block.0.0      STAGE.block{b}.expand.conv
                    features.{s}.{b}.block.0.1      STAGE.block{b}.expand.bn
                    features.{s}.{b}.block.1.0      STAGE.block{b}.depsep.conv
                    features.{s}.{b}.block.1.1      STAGE.block{b}.depsep.bn
                    features.{s}.{b}.block.2.fc1    STAGE.block{b}.se.squeeze        linear
                    features.{s}.{b}.block.2.fc2    STAGE.block{b}.se.expand         linear
                    features.{s}.{b}.block.3.0      STAGE.block{b}.proj.conv
                    features.{s}.{b}.block.3.1      STAGE.block{b}.proj.bn
                    classifier.1                    classifier.fc
                    """.replace("STAGE", stage).replace("FIRST", first);
        }
    }

    /** As in {@code --names}. */
    public String label() {
        return label;
    }

    @Override
    public String toString() {
        return label;
    }

    /** The naming of a label. @throws CallerException if there is none */
    public static Naming of(String label) {
        return Arrays.stream(values()).filter(n -> n.label.equals(label)).findFirst()
                .orElseThrow(() -> new CallerException("names", "unknown", "'" + label + "'", "one of " + Arrays.toString(values()), "correct it"));
    }

    /** A tensor of a file as this naming has it. @param variable what it is in the module @param shape in the file */
    record Entry(Variable variable, Shape shape) {}

    /** What a file of a module's variables holds, by name, in the module's order. Modules that belong to no family have our names in every naming. */
    Map<String, Entry> entries(Module module) {
        List<Rename> table = Family.of(module).map(tables::get).orElse(List.of());
        Map<String, Entry> entries = new LinkedHashMap<>();
        module.variables().forEach((name, v) -> {
            Rename.Result theirs = Rename.first(table, name);
            entries.put(theirs.name(), new Entry(v, theirs.form().of(Detected.fileShape(v))));
        });
        return entries;
    }

    /** Our name of a variable of a family as this naming has it. */
    String name(Family family, String ours) {
        return Rename.first(tables.get(family), ours).name();
    }

    /**
     * What networks of this naming add to the variance in normalisations where it differs from the row's: torchvision's EfficientNets up to B4 and timm's own have PyTorch's 1e-5.
     * No file says so; with another number the logits are others.
     */
    OptionalDouble normEps(ModelRow row) {
        boolean plain = row.family() == Family.EFFICIENTNET && !row.name().contains("widese");
        boolean torchvision = (this == OURS || this == TORCHVISION) && row.name().compareTo("efficientnet-b4") <= 0;
        return plain && (this == TIMM || torchvision) ? OptionalDouble.of(1e-5) : OptionalDouble.empty();
    }
}

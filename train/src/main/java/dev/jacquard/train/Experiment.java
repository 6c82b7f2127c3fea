package dev.jacquard.train;

import dev.jacquard.layers.Module;
import dev.jacquard.models.ModelOptions;
import dev.jacquard.models.Models;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** From settings to the objects that they describe. */
public final class Experiment {
    private Experiment() {}

    /**
     * Settings that ask for what this build cannot do yet.
     *
     * @return flags that say what it can do, such as {@code --amp off}
     */
    public static List<String> missing(TrainConfig config) {
        Map<String, Object> can = new LinkedHashMap<>();
        can.put("amp", TrainConfig.Amp.OFF);
        can.put("gpus", 1);
        can.put("qat", TrainConfig.Qat.OFF);
        can.put("sparsity", TrainConfig.Sparsity.OFF);
        can.put("evaluate", false);
        Map<String, Object> asked = Settings.values(config);
        return can.entrySet().stream().filter(e -> !e.getValue().equals(asked.get(e.getKey()))).map(e -> flag(e.getKey(), e.getValue())).toList();
    }

    /** A setting as a flag. */
    private static String flag(String name, Object value) {
        return value instanceof Boolean on ? (on ? "--" : "--no-") + name : "--" + name + " " + Settings.text(value);
    }

    /** What is given instead of a flag that {@link #missing} names. */
    public static String given(TrainConfig config, String flag) {
        String name = flag.replaceFirst("^--(no-)?", "").replaceFirst(" .*", "");
        return flag(name, Settings.values(config).get(name));
    }

    /** The network. The number of classes must be known. */
    public static Module network(TrainConfig config) {
        return Models.create(config.arch(), model(config));
    }

    /** Options of the network. The number of classes must be known. */
    public static ModelOptions model(TrainConfig config) {
        TrainConfig.Model m = config.model();
        return new ModelOptions(m.classes(), m.channels(), m.padding(), m.initialization(), m.normMomentum(), m.normEps(), m.dropout(), m.survival(), m.dropPath(), m.zeroLastNorm());
    }
}

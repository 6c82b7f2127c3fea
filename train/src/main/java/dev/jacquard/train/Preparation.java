package dev.jacquard.train;

import dev.jacquard.data.Interpolation;
import dev.jacquard.data.Transform;
import dev.jacquard.models.ModelOptions;
import dev.jacquard.models.ModelRow;
import dev.jacquard.models.Naming;
import dev.jacquard.models.Origin;
import dev.jacquard.models.Padding;
import dev.jacquard.models.Preprocessing;
import dev.jacquard.models.Weights;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DataException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * How images are prepared for trained weights. A file that {@code train} wrote says it, in the words of the settings; of any other it is what the system has that the weights come
 * from, as far as their names tell.
 */
final class Preparation {
    private static final String RULE = "eval-rule";
    private static final String RESIZE = "eval-resize";
    private static final String INTERPOLATION = "interpolation";

    private Preparation() {}

    /** Strings of a run's weights files: what the weights are of, and how images were evaluated. The number of classes must be known. */
    static Map<String, String> strings(TrainConfig config, List<String> classNames) {
        Map<String, String> strings = new TreeMap<>(Weights.metadata(config.arch(), Experiment.model(config), classNames));
        strings.put(Predictor.IMAGE_SIZE, Integer.toString(config.data().evalImageSize()));
        List.of(RULE, RESIZE, INTERPOLATION).forEach(name -> strings.put(key(name), Settings.row(name).text(config)));
        return strings;
    }

    private static String key(String setting) {
        return setting.replace('-', '_');
    }

    /** Height and width that weights were trained for. */
    static int size(Weights.Info info, ModelRow row) {
        String text = info.metadata().get(Predictor.IMAGE_SIZE);
        return text != null && text.matches("[1-9]\\d{0,3}") ? Integer.parseInt(text) : original(info, row).resolution();
    }

    /** How images become squares of a size. @throws DataException if the file's strings cannot be read */
    static Transform.Eval transform(Weights.Info info, ModelRow row, int size) {
        Map<String, String> strings = info.metadata();
        if (strings.containsKey(key(RULE))) {
            return Experiment.evalTransform(size, (TrainConfig.EvalRule) read(strings, RULE), (Integer) read(strings, RESIZE), (Interpolation) read(strings, INTERPOLATION));
        }
        if (strings.containsKey(Predictor.IMAGE_SIZE)) {
            return Transform.Eval.of(size); // written by us before there was a choice
        }
        Preprocessing p = original(info, row).preprocessing();
        int whole = (int) Math.round(size / p.crop());
        if (p.rule() == Preprocessing.Rule.CROP_THEN_RESIZE) {
            return new Transform.Eval(size, new Transform.Eval.CentreSquare(whole - size), Interpolation.BILINEAR_TF1);
        }
        Transform.Eval eval = origin(info, row) == Origin.PADDLE ? Transform.Eval.paddle(size, whole) : Transform.Eval.shorterSide(size, whole);
        return eval.with(Interpolation.valueOf(p.interpolation().name()));
    }

    private static Object read(Map<String, String> strings, String setting) {
        String text = strings.get(key(setting));
        try {
            return text == null ? Settings.row(setting).initial() : Settings.row(setting).parse(text);
        } catch (CallerException e) {
            throw new DataException("weights", key(setting) + " of the metadata cannot be read", String.valueOf(text), "what train writes", "write the file again", e);
        }
    }

    /** The row as the system has it that the weights seem to be of. */
    private static ModelRow original(Weights.Info info, ModelRow row) {
        return row.as(origin(info, row)).orElse(row);
    }

    private static Origin origin(Weights.Info info, ModelRow row) {
        boolean nvidia = !info.namings().isEmpty() && info.namings().stream().allMatch(n -> n == Naming.NVIDIA || n == Naming.NVIDIA_NGC);
        ModelOptions o = info.options().orElse(row.defaults());
        return nvidia ? Origin.NVIDIA : o.channels() == 4 ? Origin.PADDLE : o.padding() == Padding.SAME ? Origin.TENSORFLOW : Origin.TORCHVISION;
    }
}

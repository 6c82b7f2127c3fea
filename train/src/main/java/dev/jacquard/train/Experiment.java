package dev.jacquard.train;

import dev.jacquard.data.Augmentation;
import dev.jacquard.data.Interpolation;
import dev.jacquard.data.Loader;
import dev.jacquard.data.Mixing;
import dev.jacquard.data.OperationRules;
import dev.jacquard.data.RandomCrop;
import dev.jacquard.data.Transform;
import dev.jacquard.layers.LearningRate;
import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.mixedprecision.LossScale;
import dev.jacquard.mixedprecision.MixedPrecision;
import dev.jacquard.models.ModelOptions;
import dev.jacquard.models.Models;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.op.ClipByGlobalNorm;
import dev.jacquard.tensor.op.Update;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** From settings to the objects that they describe. */
public final class Experiment {
    private Experiment() {}

    /**
     * Settings that ask for what this build cannot do yet.
     *
     * @return flags that say what it can do, such as {@code --qat off}
     */
    public static List<String> missing(TrainConfig config) {
        Map<String, Object> can = new LinkedHashMap<>();
        can.put("gpus", 1);
        can.put("qat", TrainConfig.Qat.OFF);
        can.put("sparsity", TrainConfig.Sparsity.OFF);
        Map<String, Object> asked = Settings.values(config);
        return can.entrySet().stream().filter(e -> !e.getValue().equals(asked.get(e.getKey()))).map(e -> flag(e.getKey(), e.getValue())).toList();
    }

    /** A setting as a flag. */
    private static String flag(String name, Object value) {
        return "--" + name + " " + Settings.text(value);
    }

    /** What is given instead of a flag that {@link #missing} names. */
    public static String given(TrainConfig config, String flag) {
        String name = flag.replaceFirst("^--", "").replaceFirst(" .*", "");
        return flag(name, Settings.values(config).get(name));
    }

    /** The network. The number of classes must be known. */
    public static Module network(TrainConfig config) {
        return Models.create(config.arch(), model(config));
    }

    /** Options of the network. The number of classes must be known. */
    public static ModelOptions model(TrainConfig config) {
        TrainConfig.Model m = config.model();
        return new ModelOptions(m.classes(), m.channels(), m.padding(), m.initialization(), m.normMomentum(), m.normEps(), m.dropout(), m.survival(), m.dropPath(),
                m.zeroLastNorm());
    }

    /** How averages of the weights are kept; null for none. */
    public static Averaging averaging(TrainConfig config) {
        TrainConfig.Optimization o = config.optimization();
        return o.emaDecay() == 0 ? null : new Averaging(o.emaDecay(), o.emaCadence(), o.emaWarmup());
    }

    /** How gradients are clipped; null for not at all. */
    public static ClipByGlobalNorm clip(TrainConfig config) {
        TrainConfig.Optimization o = config.optimization();
        return o.clip() == 0 ? null : new ClipByGlobalNorm(o.clip(), o.form() == TrainConfig.Form.TENSORFLOW ? ClipByGlobalNorm.Form.TENSORFLOW : ClipByGlobalNorm.Form.PYTORCH);
    }

    /** The optimizer of a network, with its decay groups. */
    public static Optimizer optimizer(TrainConfig config, Module module) {
        return new Optimizer(rule(config.optimization()), config.optimization().decay(), module);
    }

    private static Update.Rule rule(TrainConfig.Optimization o) {
        boolean tensorflow = o.form() == TrainConfig.Form.TENSORFLOW; // Paddle's momentum is PyTorch's
        return switch (o.rule()) {
            case SGD -> o.momentum() == 0 ? new Update.Sgd(o.weightDecay())
                    : new Update.SgdMomentum(o.momentum(), o.weightDecay(), o.nesterov(), tensorflow ? Update.SgdMomentum.Form.KERAS : Update.SgdMomentum.Form.PYTORCH);
            case RMSPROP -> new Update.RmsProp(o.alpha(), o.eps(), o.momentum(), o.weightDecay(), tensorflow ? Update.RmsProp.Form.TENSORFLOW : Update.RmsProp.Form.PYTORCH);
            case ADAM -> new Update.Adam(o.beta1(), o.beta2(), o.eps(), o.weightDecay(), false);
            case ADAMW -> new Update.Adam(o.beta1(), o.beta2(), o.eps(), o.weightDecay(), true);
        };
    }

    /** In which half-precision type a run computes, and how its loss is scaled; null for F32. */
    public static MixedPrecision precision(TrainConfig config) {
        TrainConfig.Precision p = config.precision();
        List<String> keep = p.ampKeep() == null ? List.of() : Stream.of(p.ampKeep().split(",")).map(String::strip).filter(path -> !path.isEmpty()).toList();
        return switch (p.amp()) {
            case OFF -> null;
            case FP16 -> new MixedPrecision(DType.F16, keep, lossScale(p));
            case BF16 -> new MixedPrecision(DType.BF16, keep, null); // it has F32's exponents
        };
    }

    private static LossScale lossScale(TrainConfig.Precision p) {
        return switch (p.lossScaling()) {
            case OFF -> null;
            case STATIC -> LossScale.fixed(p.lossScale());
            case DYNAMIC -> new LossScale(p.lossScale(), p.growth(), p.interval(), p.backoff(), p.patience(), p.lossScaleMinimum());
        };
    }

    /** What the steps of a stage work on. */
    public static TrainStep.Settings step(TrainConfig config, Stage stage) {
        TrainConfig.Optimization o = config.optimization();
        return new TrainStep.Settings(config.batch().size(), stage.imageSize(), config.model().channels(), Trainer.NORMALIZATION, o.labelSmoothing(),
                mixing(config, stage).enabled(), config.batch().accumulation(), averaging(config), clip(config), o.seed(), precision(config));
    }

    /** The learning rate in epochs, scaled; {@link LearningRate#schedule} makes it one of updates. */
    public static LearningRate learningRate(TrainConfig config) {
        TrainConfig.Schedule s = config.schedule();
        double factor = s.curve() == LearningRate.Curve.EXPONENTIAL ? s.decayRate() : s.factor();
        return new LearningRate(s.curve(), s.convention(), config.peakLr(), s.endLr(), s.warmupEpochs(), s.warmupStartLr(), s.epochs(), s.milestones(), s.multipliers(), factor,
                s.decayEpochs());
    }

    /** How images of a batch are mixed. */
    public static Mixing mixing(TrainConfig config, Stage stage) {
        return new Mixing(stage.mixup(), stage.cutmix(), config.data().mixingForm());
    }

    /** What happens to pictures of a stage before they are learnt from. */
    public static Transform.Train transform(TrainConfig config, Stage stage) {
        TrainConfig.Data d = config.data();
        RandomCrop crop = new RandomCrop(d.crop(), d.minScale(), d.maxScale(), d.minRatio(), d.maxRatio());
        return new Transform.Train(stage.imageSize(), crop, d.flip() ? 0.5 : 0, d.interpolation(), augmentation(d, stage));
    }

    /** Opens a loader that decodes as the settings say, on as many threads. */
    static Loader open(Loader.Builder builder, TrainConfig config) {
        builder.decoding(config.data().decode()).upright(config.data().upright()).depth(config.machine().loaderDepth());
        int threads = config.machine().loaderThreads();
        return (threads > 0 ? builder.threads(threads) : builder).open();
    }

    private static Augmentation augmentation(TrainConfig.Data d, Stage stage) {
        OperationRules rules = rules(d);
        return switch (d.augmentation()) {
            case NONE -> Augmentation.NONE;
            case AUTOAUGMENT -> Augmentation.autoAugment(rules);
            case RANDAUGMENT -> new Augmentation.RandAugment(d.layers(), stage.magnitude(), rules);
        };
    }

    /** Constants that are not said are the policy's own. */
    private static OperationRules rules(TrainConfig.Data d) {
        OperationRules own = d.augmentation() == TrainConfig.AugmentationPolicy.RANDAUGMENT ? OperationRules.TENSORFLOW_RANDAUGMENT : OperationRules.TENSORFLOW;
        return new OperationRules(d.arithmetic(), d.translate() == 0 ? own.translate() : d.translate(), d.cutout() == 0 ? own.cutout() : d.cutout(), d.outside());
    }

    /** What happens to pictures before they are evaluated. */
    public static Transform.Eval evalTransform(TrainConfig config) {
        TrainConfig.Data d = config.data();
        return evalTransform(d.evalImageSize(), d.evalRule(), d.evalResize(), d.interpolation());
    }

    static Transform.Eval evalTransform(int size, TrainConfig.EvalRule rule, int resize, Interpolation interpolation) {
        return switch (rule) {
            case PROPORTION -> Transform.Eval.of(size).with(interpolation);
            case PLUS_32 -> Transform.Eval.pytorch(size).with(interpolation);
            case CROP_FIRST -> Transform.Eval.tensorflow(size).with(interpolation);
            case SHORTER -> Transform.Eval.paddle(size, resize).with(interpolation);
        };
    }
}

package dev.jacquard.bench.peers;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import ai.djl.translate.NoopTranslator;
import ai.djl.translate.TranslateException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Iterator;
import java.util.List;

/** LibTorch as users of DJL have it: DJL's blocks, or a TorchScript file. */
public final class DjlEngine implements Engine {
    private final boolean torchScript;
    private Piece piece;
    private Model model;
    private Predictor<NDList, NDList> predictor;
    private Trainer trainer;
    private FloatBuffer images;
    private IntBuffer labels;
    private float[] answer;

    private DjlEngine(boolean torchScript) {
        this.torchScript = torchScript;
    }

    /** For the JVM. @param args blocks or torchscript; threads are DJL's system properties */
    public static void main(String[] args) throws IOException {
        Engine.serve(new DjlEngine(args[0].equals("torchscript")));
    }

    @Override
    public String versions() {
        return "djl " + ai.djl.engine.Engine.getDjlVersion() + " pytorch " + ai.djl.engine.Engine.getEngine("PyTorch").getVersion();
    }

    @Override
    public void prepare(Piece p, Material folder) throws IOException, MalformedModelException {
        piece = p;
        images = ByteBuffer.allocateDirect(p.batch() * 3 * p.pixels() * p.pixels() * Float.BYTES).order(ByteOrder.nativeOrder()).asFloatBuffer()
                .put(folder.images(p.batch(), p.pixels())).flip();
        labels = ByteBuffer.allocateDirect(p.batch() * Integer.BYTES).order(ByteOrder.nativeOrder()).asIntBuffer().put(folder.labels(p.batch())).flip();
        model = Model.newInstance("model", Device.cpu(), "PyTorch");
        if (torchScript) {
            model.load(folder.torchScript().getParent(), "model");
        } else {
            model.setBlock(DjlNetworks.of(p.network(), (float) p.options().normEps()));
            initialize(folder);
        }
        if (p.work() == Piece.Work.INFER) {
            predictor = model.newPredictor(new NoopTranslator());
        }
    }

    private void initialize(Material folder) {
        Shape shape = new Shape(piece.batch(), 3, piece.pixels(), piece.pixels());
        Block block = model.getBlock();
        if (piece.work() == Piece.Work.TRAIN) {
            Optimizer sgd = Optimizer.sgd().setLearningRateTracker(Tracker.fixed(Piece.LEARNING_RATE)).optMomentum(Piece.MOMENTUM).build();
            load(block, shape, folder);
            trainer = model.newTrainer(new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss()).optOptimizer(sgd).optDevices(new Device[] {Device.cpu()}));
            trainer.initialize(shape);
        } else {
            load(block, shape, folder);
        }
    }

    /** Parameters are in one order everywhere; their shapes are compared. */
    private void load(Block block, Shape shape, Material folder) {
        block.initialize(model.getNDManager(), DataType.FLOAT32, shape);
        Iterator<Parameter> parameters = block.getParameters().values().iterator();
        List<Material.Named> tensors = folder.tensors();
        for (Material.Named t : tensors) {
            Parameter p = parameters.next();
            if (!p.getShape().equals(new Shape(t.shape()))) {
                throw new IllegalStateException(t.name() + " has shape " + new Shape(t.shape()) + ", DJL's " + p.getName() + " " + p.getShape());
            }
            p.getArray().set(t.values());
        }
        if (parameters.hasNext()) {
            throw new IllegalStateException("more parameters than the file's " + tensors.size());
        }
    }

    @Override
    public void call() throws TranslateException {
        try (NDManager manager = model.getNDManager().newSubManager()) {
            NDArray x = manager.create(images.duplicate(), new Shape(piece.batch(), 3, piece.pixels(), piece.pixels()), DataType.FLOAT32);
            if (predictor != null) {
                try (NDList logits = predictor.predict(new NDList(x))) {
                    answer = logits.singletonOrThrow().toFloatArray();
                }
            } else {
                NDArray y = manager.create(labels.duplicate(), new Shape(piece.batch()), DataType.INT32);
                step(x, y);
            }
        }
    }

    private void step(NDArray x, NDArray y) {
        try (GradientCollector collector = trainer.newGradientCollector()) {
            NDArray loss = trainer.getLoss().evaluate(new NDList(y), trainer.forward(new NDList(x)));
            collector.backward(loss);
            answer = new float[] {loss.getFloat()};
            loss.close();
        }
        trainer.step();
    }

    @Override
    public float[] answer() {
        return answer;
    }
}

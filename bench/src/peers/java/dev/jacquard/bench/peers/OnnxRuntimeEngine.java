package dev.jacquard.bench.peers;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Map;

/** ONNX Runtime's Java package with all of its graph optimisations, on our ONNX file. */
public final class OnnxRuntimeEngine implements Engine {
    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final int threads;
    private OrtSession session;
    private FloatBuffer images;
    private long[] shape;
    private float[] logits;

    private OnnxRuntimeEngine(int threads) {
        this.threads = threads;
    }

    /** For the JVM. @param args number of threads */
    public static void main(String[] args) throws IOException {
        Engine.serve(new OnnxRuntimeEngine(Integer.parseInt(args[0])));
    }

    @Override
    public String versions() {
        return "onnxruntime " + environment.getVersion();
    }

    @Override
    public void prepare(Piece piece, Material folder) throws OrtException, IOException {
        SessionOptions options = new SessionOptions();
        options.setIntraOpNumThreads(threads);
        options.setInterOpNumThreads(1);
        options.setOptimizationLevel(SessionOptions.OptLevel.ALL_OPT);
        session = environment.createSession(folder.onnx().toString(), options);
        float[] values = folder.images(piece.batch(), piece.pixels());
        images = ByteBuffer.allocateDirect(values.length * Float.BYTES).order(ByteOrder.nativeOrder()).asFloatBuffer().put(values).flip();
        shape = new long[] {piece.batch(), 3, piece.pixels(), piece.pixels()};
    }

    @Override
    public void call() throws OrtException {
        try (OnnxTensor in = OnnxTensor.createTensor(environment, images.duplicate(), shape); OrtSession.Result result = session.run(Map.of("images", in))) {
            FloatBuffer out = ((OnnxTensor) result.get(0)).getFloatBuffer();
            logits = new float[out.remaining()];
            out.get(logits);
        }
    }

    @Override
    public float[] answer() {
        return logits;
    }
}

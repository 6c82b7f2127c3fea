package dev.jacquard.emulator.ptx;

import java.util.List;

/** A kernel, or a function that kernels call. Its body is parsed when it is first asked for: modules hold many kernels of which a run uses few. */
public final class PtxFunction {
    private final PtxModule module;
    private final String name;
    private final boolean entry;
    private final List<Variable> results;
    private final List<Variable> parameters;
    private final int maxThreads;
    private final int start;
    private Body body;

    PtxFunction(PtxModule module, String name, boolean entry, List<Variable> results, List<Variable> parameters, int maxThreads, int start) {
        this.module = module;
        this.name = name;
        this.entry = entry;
        this.results = results;
        this.parameters = parameters;
        this.maxThreads = maxThreads;
        this.start = start;
    }

    /** The module that holds it. */
    public PtxModule module() {
        return module;
    }

    /** As in the text. */
    public String name() {
        return name;
    }

    /** Whether it can be launched. */
    public boolean entry() {
        return entry;
    }

    /** Where a called function leaves its results. */
    public List<Variable> results() {
        return results;
    }

    /** Parameters in order. */
    public List<Variable> parameters() {
        return parameters;
    }

    /** Largest block: {@code .maxntid} or {@code .reqntid}, else 1024. */
    public int maxThreads() {
        return maxThreads;
    }

    /** Whether it is only declared. */
    public boolean declaredOnly() {
        return start < 0;
    }

    /** Its statements. @throws PtxException if they are malformed */
    public Body body() {
        if (body == null) {
            body = new BodyParser(module, this, start).parse();
        }
        return body;
    }
}

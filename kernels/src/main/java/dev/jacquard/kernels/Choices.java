package dev.jacquard.kernels;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.MatrixLibraries;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.BackendOptions.Autotune;
import dev.jacquard.tensor.op.Op;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which candidate each op takes on operands of given types: chosen once, the same from then on. By the file of choices, by measuring, or by the selection, as the options say. What
 * is to be measured is measured when it is bound, on the operands that it will be used on; before that there is only the scratch that the largest of its candidates needs.
 * Thread-safe.
 */
final class Choices {
    /** Scratch beyond which a candidate is not measured: a plan would have to hold it for as long as it lives. */
    static final long MOST_WORKSPACE = 256L << 20;

    private static final Logger LOG = LoggerFactory.getLogger(Choices.class);

    private final Target target;
    private final MatrixLibraries libraries;
    private final MatrixOptions options;
    private final Tuner tuner;
    /** Null if there is none. */
    private final ChoiceFile file;
    private final Map<Key, Entry> entries = new HashMap<>();

    private final Set<Banned> banned = new HashSet<>();

    /** A way to compute that has been found wrong. */
    private record Banned(String op, DType type, String candidate) {}

    private record Key(Op op, List<TensorType> in) {
        @Override
        public String toString() {
            return op + in.stream().map(t -> " " + t).collect(Collectors.joining());
        }
    }

    /** A choice made, or the candidates that are left to measure. */
    private static final class Entry {
        private List<Candidate> open;
        private Candidate chosen;
    }

    /**
     * Choices for a device.
     *
     * @param conditions what measured times depend on, see {@link ChoiceFile}; asked for only if there are to be any
     */
    Choices(Target target, MatrixLibraries libraries, MatrixOptions options, Tuner tuner, Supplier<String> conditions) {
        this.target = target;
        this.libraries = libraries;
        this.options = options;
        this.tuner = tuner;
        this.file = options.autotune() == Autotune.OFF ? null : new ChoiceFile(options.choices(), conditions.get());
    }

    /** What is chosen for. */
    Target target() {
        return target;
    }

    /** Scratch of the candidate that is taken, or of any that may be. */
    synchronized <O extends Op> long workspace(ChoosingKernel<O> kernel, O op, List<TensorType> in) {
        Entry e = entry(kernel, op, in);
        return e.chosen != null ? e.chosen.workspace() : e.open.stream().mapToLong(Candidate::workspace).max().orElse(0);
    }

    /** Binds the candidate that is taken; measures first if that is still to be done. */
    synchronized <O extends Op> CudaLaunch bind(ChoosingKernel<O> kernel, O op, Call call) {
        List<TensorType> in = call.types();
        Entry e = entry(kernel, op, in);
        if (e.chosen == null) {
            String key = new Key(op, in).toString();
            Tuner.Verdict best = tuner.fastest(key, e.open, call, Agreement.of(op.accuracy(in), target.tf32()));
            decide(e, best.candidate());
            file.put(key, new ChoiceFile.Line(best.candidate().name(), best.us()));
        }
        try {
            return e.chosen.bind(call);
        } catch (RuntimeException x) {
            return instead(kernel, op, call, e, x).bind(call);
        }
    }

    /**
     * For a library's engine that was the fastest once, and now fails: the best of our kernels that makes do with its scratch, which has been laid out. @throws RuntimeException
     * the failure, if it is ours
     */
    private <O extends Op> Candidate instead(ChoosingKernel<O> kernel, O op, Call call, Entry e, RuntimeException failure) {
        if (e.chosen.own() || DriverException.isSticky(failure)) {
            throw failure;
        }
        Candidate failed = e.chosen;
        Candidate ours = kernel.candidates(op, call.types(), target).stream().filter(c -> c.own() && c.workspace() <= failed.workspace()).findFirst().orElseThrow(() -> failure);
        if (banned.add(new Banned(op.name(), call.types().getFirst().dtype(), failed.name()))) {
            LOG.warn("{}: {} is not used any more, {} takes its place: {}", op, failed.name(), ours.name(), failure.getMessage());
        }
        decide(e, ours);
        return ours;
    }

    private <O extends Op> Entry entry(ChoosingKernel<O> kernel, O op, List<TensorType> in) {
        return entries.computeIfAbsent(new Key(op, List.copyOf(in)), key -> {
            Entry e = new Entry();
            Optional<ChoiceFile.Line> line = file == null ? Optional.empty() : file.get(key.toString());
            // The rule is our own kernels, and asking libraries takes time.
            boolean asked = line.isPresent() || options.autotune() == Autotune.ON || options.selection() != Selection.BY_RULE;
            List<Candidate> all = candidates(kernel, op, in, target, asked ? libraries : MatrixLibraries.NONE);
            Optional<Candidate> known = line.flatMap(l -> all.stream().filter(c -> c.name().equals(l.candidate())).findFirst());
            if (known.isPresent()) {
                decide(e, known.get());
            } else {
                e.open = options.autotune() == Autotune.ON ? measurable(key, all) : List.of();
                if (e.open.size() < 2) {
                    decide(e, all.get(options.selection().choose(op, in, all.stream().map(Candidate::name).toList())));
                }
            }
            return e;
        });
    }

    private <O extends Op> List<Candidate> candidates(ChoosingKernel<O> kernel, O op, List<TensorType> in, Target wanted, MatrixLibraries from) {
        List<Candidate> all = new ArrayList<>(kernel.candidates(op, in, wanted));
        all.addAll(LibraryCandidates.of(from, op, in, wanted));
        List<Candidate> fit = all.stream().filter(c -> !banned.contains(new Banned(op.name(), in.getFirst().dtype(), c.name()))).toList();
        return fit.isEmpty() ? all : fit;
    }

    /** All ways to compute an op, libraries' engines too, but for those that are banned. */
    synchronized <O extends Op> List<Candidate> all(ChoosingKernel<O> kernel, O op, List<TensorType> in) {
        return all(kernel, op, in, target.tf32());
    }

    /** The same with another say about TF32 than the options'. */
    synchronized <O extends Op> List<Candidate> all(ChoosingKernel<O> kernel, O op, List<TensorType> in, boolean tf32) {
        return candidates(kernel, op, in, new Target(target.device(), tf32), libraries);
    }

    /** Takes a candidate of this name from no op of this kind on operands of this type any more. What has been bound stays. */
    synchronized void ban(Op op, DType type, String candidate) {
        banned.add(new Banned(op.name(), type, candidate));
        entries.values().removeIf(e -> e.chosen == null || e.chosen.name().equals(candidate));
    }

    private static void decide(Entry e, Candidate c) {
        e.chosen = c;
        e.open = List.of();
    }

    private static List<Candidate> measurable(Key key, List<Candidate> all) {
        List<Candidate> fit = new ArrayList<>();
        for (Candidate c : all) {
            if (c.workspace() <= MOST_WORKSPACE) {
                fit.add(c);
            } else {
                LOG.info("{}: {} is left out: it wants {} bytes of scratch, at most {} are given", key, c.name(), c.workspace(), MOST_WORKSPACE);
            }
        }
        return fit;
    }

    /** Name of the candidate that was taken for an op; empty if none was, yet. */
    synchronized Optional<String> taken(Op op, List<TensorType> in) {
        return Optional.ofNullable(entries.get(new Key(op, in))).filter(e -> e.chosen != null).map(e -> e.chosen.name());
    }

    /** Writes down what was measured. */
    void save() {
        if (file != null) {
            file.save();
        }
    }
}

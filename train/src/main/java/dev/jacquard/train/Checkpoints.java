package dev.jacquard.train;

import dev.jacquard.layers.Module;
import dev.jacquard.mixedprecision.LossScaler;
import dev.jacquard.models.Naming;
import dev.jacquard.models.Weights;
import dev.jacquard.tensor.DivergedException;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.plan.State;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;

/** A run's checkpoints: what is in them, which stay, and the weights of the best and the last one beside them. */
final class Checkpoints {
    private static final String WEIGHTS = "weights.safetensors";
    private static final String AVERAGES = "weights_ema.safetensors";

    private final RunFolder run;
    private final CheckpointStore store;
    private final Module module;
    private final State state;
    private final Map<Variable, Variable> averages;
    private final int keep;
    private final Map<String, String> metadata;
    private Path last;

    /** @param averages of which variable which is the average, as soon as there are any; all others of {@link Variable.Role#SLOT} are the optimizer's */
    Checkpoints(RunFolder run, Module module, State state, Map<Variable, Variable> averages, int keep, Map<String, String> metadata) {
        this.run = run;
        this.store = new CheckpointStore(run.checkpoints());
        this.module = module;
        this.state = state;
        this.averages = averages;
        this.keep = keep;
        this.metadata = metadata;
    }

    /** Folder of the newest checkpoint; null if there is none yet. */
    Path last() {
        return last;
    }

    /** How far the newest whole checkpoint is, if there is one. */
    Optional<Progress> newest() {
        last = store.newest().orElse(null);
        return Optional.ofNullable(last).map(Progress::read);
    }

    /** Sets all variables, which must be in the state, to the checkpoint that {@link #newest} found. */
    void restore() {
        Weights.load(last.resolve(WEIGHTS), module, state);
        Slots.read(last.resolve(Slots.FILE), slots(), state);
        if (!averages.isEmpty()) {
            Weights.load(last.resolve(AVERAGES), module, state, Weights.Options.STRICT, averages::get);
        }
    }

    private List<Variable> slots() {
        Set<Variable> averaged = Set.copyOf(averages.values());
        return state.variables().stream().filter(v -> v.role() == Variable.Role.SLOT && !averaged.contains(v)).toList();
    }

    /** Saves everything. @param best whether its weights are the best so far @return the progress with the best checkpoint's name */
    Progress save(Progress p, boolean best) {
        requireFinite(p.step());
        Map<String, String> strings = new TreeMap<>(metadata);
        strings.put("step", Long.toString(p.step()));
        Progress saved = best ? p.withBest(store.name(p.step())) : p;
        last = store.save(p.step(), (folder, probe) -> {
            Weights.save(folder.resolve(WEIGHTS), module, state, strings);
            probe.at("weights written");
            if (!averages.isEmpty()) {
                Weights.save(folder.resolve(AVERAGES), module, state, strings, Naming.OURS, averages::get);
                probe.at("averages written");
            }
            Slots.write(folder.resolve(Slots.FILE), slots(), state);
            probe.at("slots written");
            saved.write(folder);
        });
        publish(WEIGHTS, run.last(), run.best(), best);
        if (!averages.isEmpty()) {
            publish(AVERAGES, run.lastAveraged(), run.bestAveraged(), best);
        }
        store.prune(keep, saved.bestCheckpoint() == null ? Set.of() : Set.of(saved.bestCheckpoint()));
        return saved;
    }

    private void publish(String file, Path asLast, Path asBest, boolean best) {
        try {
            publish(last.resolve(file), asLast);
            if (best) {
                publish(last.resolve(file), asBest);
            }
        } catch (IOException e) {
            throw Json.io(run.path(), "weights cannot be written", e);
        }
    }

    private void requireFinite(long step) {
        boolean scaled = state.variable(LossScaler.SCALE) != null; // an infinite sum of scaled gradients is an update that will be skipped
        List<Variable> finite = state.variables().stream().filter(v -> !scaled || !StepGraphs.isAccumulator(v)).toList();
        Divergence.firstBad(state, finite).ifPresent(v -> {
            throw new DivergedException("step " + step, "a variable is not finite any more", v.name(), "finite values; last good checkpoint " + (last == null ? "none" : last),
                    "lower --lr or lengthen --warmup-epochs, then train again");
        });
    }

    /** A second name for a file that never changes, or a copy where the file system has no links; replaces what is there in one step. */
    private static void publish(Path from, Path to) throws IOException {
        Path temporary = to.resolveSibling("." + to.getFileName() + "-" + UUID.randomUUID());
        try {
            try {
                Files.createLink(temporary, from);
            } catch (UnsupportedOperationException | IOException e) {
                Files.copy(from, temporary);
            }
            Files.move(temporary, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }
}

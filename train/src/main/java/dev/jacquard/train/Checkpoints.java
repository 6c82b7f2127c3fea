package dev.jacquard.train;

import dev.jacquard.layers.Module;
import dev.jacquard.layers.Optimizer;
import dev.jacquard.models.Weights;
import dev.jacquard.tensor.DivergedException;
import dev.jacquard.tensor.plan.State;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;

/** A run's checkpoints: what is in them, which stay, and the weights of the best and the last one beside them. */
final class Checkpoints {
    private static final String WEIGHTS = "weights.safetensors";

    private final RunFolder run;
    private final CheckpointStore store;
    private final Module module;
    private final Optimizer optimizer;
    private final State state;
    private final int keep;
    private final Map<String, String> metadata;
    private Path last;

    Checkpoints(RunFolder run, Module module, Optimizer optimizer, State state, int keep, Map<String, String> metadata) {
        this.run = run;
        this.store = new CheckpointStore(run.checkpoints());
        this.module = module;
        this.optimizer = optimizer;
        this.state = state;
        this.keep = keep;
        this.metadata = metadata;
    }

    /** Folder of the newest checkpoint; null if there is none yet. */
    Path last() {
        return last;
    }

    /** Sets all variables to the newest whole checkpoint, if there is one. */
    Optional<Progress> restore() {
        Optional<Path> newest = store.newest();
        if (newest.isEmpty()) {
            return Optional.empty();
        }
        last = newest.get();
        Progress p = Progress.read(last);
        Weights.load(last.resolve(WEIGHTS), module, state);
        Slots.read(last.resolve(Slots.FILE), optimizer.slots(), state);
        return Optional.of(p);
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
            Slots.write(folder.resolve(Slots.FILE), optimizer.slots(), state);
            probe.at("slots written");
            saved.write(folder);
        });
        try {
            publish(last.resolve(WEIGHTS), run.last());
            if (best) {
                publish(last.resolve(WEIGHTS), run.best());
            }
        } catch (IOException e) {
            throw Json.io(run.path(), "weights cannot be written", e);
        }
        store.prune(keep, saved.bestCheckpoint() == null ? Set.of() : Set.of(saved.bestCheckpoint()));
        return saved;
    }

    private void requireFinite(long step) {
        Divergence.firstBad(state, state.variables()).ifPresent(v -> {
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

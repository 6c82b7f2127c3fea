package dev.jacquard.train;

import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.io.SafeTensors;
import dev.jacquard.tensor.io.SafeTensorsWriter;
import dev.jacquard.tensor.plan.State;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;

/** An optimizer's memory in a safetensors file, in the engine's own layout. */
final class Slots {
    static final String FILE = "optimizer.safetensors";

    private Slots() {}

    static void write(Path file, List<Variable> slots, State state) {
        try (SafeTensorsWriter out = SafeTensors.writer(file); Arena arena = Arena.ofConfined()) {
            slots.forEach(v -> out.declare(v.name(), v.type()));
            MemorySegment host = arena.allocate(largest(slots), 64);
            for (Variable v : slots) {
                MemorySegment part = host.asSlice(0, v.type().bytes());
                state.buffer(v).download(0, part);
                out.write(v.name(), part);
            }
        }
    }

    static void read(Path file, List<Variable> slots, State state) {
        try (SafeTensors in = SafeTensors.open(file); Arena arena = Arena.ofConfined()) {
            if (in.names().size() != slots.size()) {
                throw new DataException(file.toString(), "of another optimizer", in.names().size() + " tensors", slots.size() + " tensors",
                        "resume with the configuration that the run began with");
            }
            MemorySegment host = arena.allocate(largest(slots), 64);
            for (Variable v : slots) {
                if (!in.type(v.name()).equals(v.type())) {
                    throw new DataException(file.toString(), "tensor of another type", v.name() + ": " + in.type(v.name()), v.type().toString(),
                            "resume with the configuration that the run began with");
                }
                MemorySegment part = host.asSlice(0, v.type().bytes());
                in.read(v.name(), part);
                state.buffer(v).upload(0, part);
            }
        }
    }

    private static long largest(List<Variable> slots) {
        return slots.stream().mapToLong(v -> v.type().bytes()).max().orElse(1);
    }
}

package dev.jacquard.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.jacquard.tck.reference.ReferenceBackend;
import dev.jacquard.tensor.OutOfMemoryException;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.Backend;
import dev.jacquard.tensor.graph.Graph;
import dev.jacquard.tensor.graph.GraphBuilder;
import dev.jacquard.tensor.plan.Plan;
import dev.jacquard.tensor.plan.State;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** What somebody reads whose plan does not fit the device. */
class OutOfMemoryTest {
    private static final long LIMIT = 1 << 20;

    /** The reference on a device of one mebibyte. */
    private static Backend small(boolean tellsFreeMemory) {
        ReferenceBackend all = new ReferenceBackend();
        return (Backend) Proxy.newProxyInstance(Backend.class.getClassLoader(), new Class<?>[] {Backend.class}, (_, method, args) -> {
            if (method.getName().equals("freeMemory")) {
                return tellsFreeMemory ? OptionalLong.of(LIMIT) : OptionalLong.empty();
            }
            if (method.getName().equals("allocate") && (long) args[0] > LIMIT) {
                throw new OutOfMemoryException("small", "out of memory for " + args[1], args[0] + " bytes", "enough free memory", "lower the batch", null);
            }
            try {
                return method.invoke(all, args);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }

    private static Graph graph(long batch) {
        GraphBuilder g = new GraphBuilder(true);
        try (var _ = g.label("stem")) {
            g.output("y", g.input("x", TensorType.f32(batch, 1024)).exp().sum());
        }
        return g.build();
    }

    private static OutOfMemoryException refused(boolean tellsFreeMemory) {
        try (State state = new State(small(tellsFreeMemory))) {
            return assertThrows(OutOfMemoryException.class, () -> Plan.of(graph(512), state));
        }
    }

    @Test
    void theLargestValuesAreNamed() {
        OutOfMemoryException e = refused(true);
        assertTrue(e.got().contains("2.0 MiB #1 exp (stem)"), e.getMessage());
        assertTrue(e.expected().contains("at most 1.0 MiB"), e.getMessage());
    }

    @Test
    void aBatchThatFitsIsSuggestedAndFits() {
        String remedy = refused(true).remedy();
        assertTrue(remedy.matches("a batch of \\d+ instead of 512 should fit.*"), remedy);
        long batch = Long.parseLong(remedy.replaceAll("\\D*(\\d+).*", "$1"));
        assertEquals(0, batch % 8, remedy);
        try (State state = new State(small(true)); Plan p = Plan.of(graph(batch), state)) {
            assertTrue(p.arenaBytes() <= LIMIT && p.arenaBytes() > LIMIT / 2, () -> p.arenaBytes() + " bytes for a batch of " + batch);
        }
    }

    @Test
    void whereTheDeviceDoesNotTellASmallerBatchIsAdvised() {
        assertTrue(refused(false).remedy().startsWith("use a smaller batch than 512"));
    }
}

package dev.jacquard.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.jacquard.tck.reference.ReferenceBackend;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.Initializer;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.Variable;
import dev.jacquard.tensor.plan.State;
import java.util.List;
import org.junit.jupiter.api.Test;

class StateTest {
    private static Variable variable(String name) {
        return new Variable(() -> name, TensorType.f32(2), Variable.Role.PARAMETER, Initializer.constant(3));
    }

    @Test
    void aStateOverAnotherHasBothAndShowsItsOwn() {
        Variable below = variable("below");
        Variable above = variable("above");
        try (State base = new State(new ReferenceBackend()).initialize(List.of(below), 1)) {
            try (State over = State.over(base).initialize(List.of(below, above), 1)) {
                assertEquals(List.of(above), over.variables());
                assertEquals(List.of(below), base.variables());
                assertSame(base.buffer(below), over.buffer(below));
                assertSame(below, over.variable("below"));
                assertNull(base.variable("above"));
                over.set(below, new float[] {4, 5});
                assertArrayEquals(new float[] {3, 3}, over.get(above));
            }
            assertArrayEquals(new float[] {4, 5}, base.get(below), "stays when the upper one is closed");
        }
    }

    @Test
    void namesAreUniqueInBothTogether() {
        try (State base = new State(new ReferenceBackend()).initialize(List.of(variable("w")), 1); State over = State.over(base)) {
            CallerException e = assertThrows(CallerException.class, () -> over.reserve(List.of(variable("w"))));
            assertEquals("w", e.got());
        }
    }

    @Test
    void aVariableOfNeitherHasNoValue() {
        try (State base = new State(new ReferenceBackend()); State over = State.over(base)) {
            assertThrows(CallerException.class, () -> over.buffer(variable("w")));
        }
    }
}

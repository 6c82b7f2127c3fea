package dev.jacquard.emulator.ptx;

import java.util.List;

/** What an instruction names. */
public sealed interface Operand {
    /** A register. */
    record Reg(Register register) implements Operand {
        @Override
        public String toString() {
            return register.name();
        }
    }

    /** A predicate's opposite, {@code !%p1}. */
    record Not(Register register) implements Operand {
        @Override
        public String toString() {
            return "!" + register.name();
        }
    }

    /** A special register such as {@code %tid.x}. */
    record Special(String name) implements Operand {
        @Override
        public String toString() {
            return name;
        }
    }

    /**
     * A number.
     *
     * @param bits integer value, or the bits of the float
     * @param kind {@code i} integer, {@code f} float bits, {@code d} double bits
     * @param text as written
     */
    record Immediate(long bits, char kind, String text) implements Operand {
        @Override
        public String toString() {
            return text;
        }
    }

    /** A variable's address plus an offset. */
    record Symbol(Variable variable, long offset) implements Operand {
        @Override
        public String toString() {
            return variable.name() + (offset == 0 ? "" : "+" + offset);
        }
    }

    /** A label or a function. */
    record Name(String name) implements Operand {
        @Override
        public String toString() {
            return name;
        }
    }

    /** A memory operand: register, symbol or number, plus an offset. */
    record Address(Operand base, long offset) implements Operand {
        @Override
        public String toString() {
            return "[" + base + (offset == 0 ? "" : "+" + offset) + "]";
        }
    }

    /** An element of a tensor that a map describes: the map's address and a list of coordinates. */
    record Element(Operand base, Group coordinates) implements Operand {
        @Override
        public String toString() {
            return "[" + base + ", " + coordinates + "]";
        }
    }

    /** A brace list; call arguments are one too. */
    record Group(List<Operand> items) implements Operand {
        @Override
        public String toString() {
            return "{" + String.join(", ", items.stream().map(Object::toString).toList()) + "}";
        }
    }

    /** Two destinations, {@code %r1|%p1}. */
    record Pair(Operand first, Operand second) implements Operand {
        @Override
        public String toString() {
            return first + "|" + second;
        }
    }

    /** The destination that nobody reads, {@code _}. */
    record Sink() implements Operand {
        @Override
        public String toString() {
            return "_";
        }
    }
}

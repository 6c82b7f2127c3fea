package dev.jacquard.emulator.ptx;

import java.util.ArrayList;
import java.util.List;

/** Reads variable declarations. */
final class Declarations {
    private Declarations() {}

    static Space space(String directive) {
        return switch (directive) {
            case ".global" -> Space.GLOBAL;
            case ".const" -> Space.CONST;
            case ".shared" -> Space.SHARED;
            case ".local" -> Space.LOCAL;
            case ".param" -> Space.PARAM;
            default -> throw new IllegalArgumentException(directive);
        };
    }

    /** {@code (.param .u64 a, .param .align 8 .b8 b[72])}; a parameter of a device function may be a register. */
    static List<Variable> parameters(Tokens tokens) {
        List<Variable> found = new ArrayList<>();
        tokens.expect("(");
        while (!tokens.take(")")) {
            if (!tokens.take(".param") && !tokens.take(".reg")) {
                throw new PtxException(tokens.line(), "expected a parameter but found " + tokens.peek());
            }
            found.add(variable(tokens, Space.PARAM));
            tokens.take(",");
        }
        return found;
    }

    /** What follows the state space, up to but without the semicolon. */
    static Variable variable(Tokens tokens, Space space) {
        int align = 0;
        PtxType type = null;
        int vector = 1;
        while (tokens.peek().startsWith(".")) {
            String t = tokens.next();
            switch (t) {
                case ".align" -> align = (int) tokens.integer();
                case ".v2" -> vector = 2;
                case ".v4" -> vector = 4;
                case ".ptr", ".global", ".const", ".shared", ".local", ".managed" -> { }
                default -> {
                    type = PtxType.of(t.substring(1));
                    if (type == null) {
                        throw new PtxException(tokens.line(), "unknown type " + t);
                    }
                }
            }
        }
        if (type == null) {
            throw new PtxException(tokens.line(), "a variable without a type");
        }
        String name = tokens.next();
        long count = vector;
        boolean open = false;
        while (tokens.take("[")) {
            if (tokens.take("]")) {
                open = true;
                count = 0;
            } else {
                count *= tokens.integer();
                tokens.expect("]");
            }
        }
        List<Variable.Initial> initial = List.of();
        if (tokens.take("=")) {
            initial = new ArrayList<>();
            initial(tokens, initial);
        }
        return new Variable(space, name, type, count * type.bytes(), Math.max(align, type.bytes()), open, initial);
    }

    private static void initial(Tokens tokens, List<Variable.Initial> into) {
        if (tokens.take("{")) {
            while (!tokens.take("}")) {
                initial(tokens, into);
                tokens.take(",");
            }
            return;
        }
        String t = tokens.peek();
        if (t.equals("generic")) {
            tokens.next();
            tokens.expect("(");
            String symbol = tokens.next();
            tokens.expect(")");
            into.add(new Variable.Initial(tokens.take("+") ? tokens.integer() : 0, symbol));
        } else if (t.equals("-") || Character.isDigit(t.charAt(0))) {
            into.add(new Variable.Initial(number(tokens).bits(), null));
        } else {
            tokens.next();
            into.add(new Variable.Initial(tokens.take("+") ? tokens.integer() : 0, t));
        }
    }

    /** A literal. */
    static Operand.Immediate number(Tokens tokens) {
        boolean minus = tokens.take("-");
        int line = tokens.line();
        String t = tokens.next();
        String text = minus ? "-" + t : t;
        try {
            if (t.length() == 10 && (t.startsWith("0f") || t.startsWith("0F"))) {
                return new Operand.Immediate(Integer.parseUnsignedInt(t.substring(2), 16) ^ (minus ? 1L << 31 : 0), 'f', text);
            }
            if (t.length() == 18 && (t.startsWith("0d") || t.startsWith("0D"))) {
                return new Operand.Immediate(Long.parseUnsignedLong(t.substring(2), 16) ^ (minus ? 1L << 63 : 0), 'd', text);
            }
            if (t.indexOf('.') > 0) {
                return new Operand.Immediate(Double.doubleToRawLongBits(Double.parseDouble(text)), 'd', text);
            }
            long v = Tokens.parse(t);
            return new Operand.Immediate(minus ? -v : v, 'i', text);
        } catch (NumberFormatException e) {
            throw new PtxException(line, "not a number: " + text);
        }
    }
}

package dev.jacquard.emulator.ptx;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads a function's body: declarations in nested scopes, labels, source locations and instructions. */
final class BodyParser {
    private final PtxModule module;
    private final PtxFunction function;
    private final Tokens tokens;
    private final Deque<Map<String, Object>> scopes = new ArrayDeque<>();
    private final List<Instruction> instructions = new ArrayList<>();
    private final Map<String, Integer> labels = new HashMap<>();
    /** The scopes that are open beside the function's own: inline assembly may use a label in many. */
    private final Deque<LabelScope> labelScopes = new ArrayDeque<>();
    private final Map<String, List<String>> tables = new HashMap<>();
    private final List<Variable> variables = new ArrayList<>();
    private Location location;

    /** Labels of a scope. @param first its first instruction */
    private record LabelScope(int first, Map<String, Integer> labels) {}

    BodyParser(PtxModule module, PtxFunction function, int start) {
        this.module = module;
        this.function = function;
        tokens = module.tokens();
        if (start < 0) {
            throw new PtxException(tokens.line(), "function " + function.name() + " is declared but not defined");
        }
        tokens.seek(start);
        scopes.push(new HashMap<>(module.variables()));
        scopes.push(new HashMap<>());
        function.parameters().forEach(v -> scopes.peek().put(v.name(), v));
        function.results().forEach(v -> scopes.peek().put(v.name(), v));
    }

    Body parse() {
        int base = scopes.size();
        while (true) {
            if (tokens.take("}")) {
                if (scopes.size() == base) {
                    return new Body(instructions, labels, tables, variables);
                }
                scopes.pop();
                closeLabels();
            } else if (tokens.take("{")) {
                scopes.push(new HashMap<>());
                labelScopes.push(new LabelScope(instructions.size(), new HashMap<>()));
            } else {
                statement();
            }
        }
    }

    private void statement() {
        String t = tokens.peek();
        switch (t) {
            case ";" -> tokens.next();
            case ".reg" -> registers();
            case ".local", ".shared", ".param", ".const", ".global" -> {
                tokens.next();
                Variable v = Declarations.variable(tokens, Declarations.space(t));
                tokens.expect(";");
                variables.add(v);
                scopes.peek().put(v.name(), v);
            }
            case ".loc" -> loc();
            case ".pragma" -> {
                tokens.next();
                tokens.next();
                tokens.expect(";");
            }
            default -> {
                if (tokens.peek(1).equals(":")) {
                    label();
                } else {
                    instruction();
                }
            }
        }
    }

    private void label() {
        String name = tokens.next();
        tokens.expect(":");
        if (tokens.take(".branchtargets")) {
            List<String> targets = new ArrayList<>();
            do {
                targets.add(tokens.next());
            } while (tokens.take(","));
            tokens.expect(";");
            tables.put(name, targets);
        } else {
            Map<String, Integer> to = labelScopes.isEmpty() ? labels : labelScopes.peek().labels;
            if (to.put(name, instructions.size()) != null) {
                throw new PtxException(tokens.line(), "label " + name + " is defined twice");
            }
        }
    }

    /** A scope ends: its labels become the function's, under another name if there is one of theirs. */
    private void closeLabels() {
        LabelScope scope = labelScopes.pop();
        scope.labels.forEach((name, at) -> {
            boolean taken = labels.containsKey(name) || labelScopes.stream().anyMatch(s -> s.labels.containsKey(name));
            String unique = taken ? name + "#" + at : name;
            labels.put(unique, at);
            for (int i = scope.first; taken && i < instructions.size(); i++) {
                Instruction in = instructions.get(i);
                List<Operand> operands = in.operands().stream().map(o -> o.equals(new Operand.Name(name)) ? new Operand.Name(unique) : o).toList();
                instructions.set(i, new Instruction(in.guard(), in.negated(), in.opcode(), in.modifiers(), operands, in.line(), in.location()));
            }
        });
    }

    private void registers() {
        tokens.next();
        PtxType type = PtxType.of(tokens.next().substring(1));
        if (type == null) {
            throw new PtxException(tokens.line(), "unknown register type");
        }
        do {
            String name = tokens.next();
            if (tokens.take("<")) {
                long n = tokens.integer();
                tokens.expect(">");
                for (long i = 0; i < n; i++) {
                    scopes.peek().put(name + i, new Register(name + i, type));
                }
            } else {
                scopes.peek().put(name, new Register(name, type));
            }
        } while (tokens.take(","));
        tokens.expect(";");
    }

    private void loc() {
        tokens.next();
        String file = module.file((int) tokens.integer());
        int line = (int) tokens.integer();
        tokens.integer();
        Location outer = null;
        while (tokens.take(",")) {
            String what = tokens.next();
            if (what.equals("function_name")) {
                tokens.next();
                if (tokens.take("+")) {
                    tokens.integer();
                }
            } else {
                String outerFile = module.file((int) tokens.integer());
                outer = new Location(outerFile, (int) tokens.integer(), null);
                tokens.integer();
            }
        }
        if (line != 0) { // line 0: the compiler moved code here; the last known line says more
            location = new Location(file, line, outer);
        }
    }

    private void instruction() {
        int line = tokens.line();
        Register guard = null;
        boolean negated = false;
        if (tokens.take("@")) {
            negated = tokens.take("!");
            String name = tokens.next();
            if (!(lookup(name) instanceof Register r)) {
                throw new PtxException(line, "unknown guard " + name);
            }
            guard = r;
        }
        String[] parts = tokens.next().split("\\.");
        List<Operand> operands = new ArrayList<>();
        while (!tokens.take(";")) {
            operands.add(operand());
            if (tokens.take("|")) {
                operands.add(new Operand.Pair(operands.removeLast(), operand()));
            }
            if (!tokens.peek().equals(";")) {
                tokens.expect(",");
            }
        }
        instructions.add(new Instruction(guard, negated, parts[0], Arrays.asList(parts).subList(1, parts.length), operands, line, location));
    }

    private Operand operand() {
        String t = tokens.peek();
        switch (t) {
            case "[" -> {
                return address();
            }
            case "{", "(" -> {
                tokens.next();
                List<Operand> items = new ArrayList<>();
                while (!tokens.take("}") && !tokens.take(")")) {
                    items.add(operand());
                    tokens.take(",");
                }
                return new Operand.Group(items);
            }
            case "!" -> {
                tokens.next();
                String name = tokens.next();
                if (lookup(name) instanceof Register r) {
                    return new Operand.Not(r);
                }
                throw new PtxException(tokens.line(), "unknown predicate " + name);
            }
            case "_" -> {
                tokens.next();
                return new Operand.Sink();
            }
            default -> {
                return simple();
            }
        }
    }

    private Operand simple() {
        String t = tokens.peek();
        if (t.equals("-") || !t.isEmpty() && Character.isDigit(t.charAt(0))) {
            return Declarations.number(tokens);
        }
        tokens.next();
        Object known = lookup(t);
        if (known instanceof Register r) {
            return new Operand.Reg(r);
        }
        if (known instanceof Variable v) {
            return new Operand.Symbol(v, tokens.take("+") ? tokens.integer() : 0);
        }
        if (t.equals("WARP_SZ")) {
            return new Operand.Immediate(32, 'i', t);
        }
        return t.startsWith("%") ? new Operand.Special(t) : new Operand.Name(t);
    }

    private Operand address() {
        tokens.expect("[");
        Operand base = simple();
        long offset = 0;
        if (base instanceof Operand.Symbol(Variable v, long inner)) {
            base = new Operand.Symbol(v, 0);
            offset = inner;
        }
        while (!tokens.take("]")) {
            if (tokens.take("+")) {
                offset += tokens.integer();
            } else if (tokens.peek().equals("-")) {
                offset += tokens.integer();
            } else if (offset == 0 && tokens.take(",") && operand() instanceof Operand.Group coordinates) {
                tokens.expect("]");
                return new Operand.Element(base, coordinates);
            } else {
                throw new PtxException(tokens.line(), "unexpected " + tokens.peek() + " in an address");
            }
        }
        return new Operand.Address(base, offset);
    }

    private Object lookup(String name) {
        for (Map<String, Object> scope : scopes) {
            Object found = scope.get(name);
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    @Override
    public String toString() {
        return "body of " + function.name();
    }
}

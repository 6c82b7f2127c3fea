package dev.jacquard.emulator.ptx;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The declarations of a PTX text. */
public final class PtxModule {
    private final String name;
    private final Tokens tokens;
    private final Map<String, Variable> variables = new LinkedHashMap<>();
    private final Map<String, PtxFunction> functions = new LinkedHashMap<>();
    private final Map<Integer, String> files = new HashMap<>();
    private String target = "";

    /** Reads a text's declarations. @param name for messages @throws PtxException if it is malformed */
    public PtxModule(String name, String text) {
        this.name = name;
        tokens = new Tokens(text);
        if (!tokens.peek().equals(".version")) {
            throw new PtxException(tokens.line(), "a module starts with .version");
        }
        while (!tokens.done()) {
            declaration();
        }
    }

    /** As given. */
    public String name() {
        return name;
    }

    /** {@code sm_75}. */
    public String target() {
        return target;
    }

    /** Module-level variables by name. */
    public Map<String, Variable> variables() {
        return Collections.unmodifiableMap(variables);
    }

    /** Functions by name. */
    public Map<String, PtxFunction> functions() {
        return Collections.unmodifiableMap(functions);
    }

    Tokens tokens() {
        return tokens;
    }

    String file(int index) {
        String path = files.getOrDefault(index, "?");
        return path.substring(path.lastIndexOf('/') + 1);
    }

    private void declaration() {
        String t = tokens.next();
        switch (t) {
            case ".version" -> tokens.next();
            case ".target" -> {
                target = tokens.next();
                while (tokens.take(",")) {
                    tokens.next();
                }
            }
            case ".address_size" -> {
                if (tokens.integer() != 64) {
                    throw new PtxException(tokens.line(), "only 64-bit addresses");
                }
            }
            case ".file" -> file();
            case ".section" -> {
                tokens.next();
                tokens.expect("{");
                tokens.skipBlock();
            }
            case ".extern", ".visible", ".weak", ".common" -> { }
            case ".entry", ".func" -> function(t.equals(".entry"));
            case ".global", ".const", ".shared" -> {
                Variable v = Declarations.variable(tokens, Declarations.space(t));
                tokens.expect(";");
                variables.put(v.name(), v);
            }
            case ".pragma" -> {
                tokens.next();
                tokens.expect(";");
            }
            default -> throw new PtxException(tokens.line(), "unexpected " + t + " at module level");
        }
    }

    private void file() {
        int index = (int) tokens.integer();
        String path = tokens.next();
        files.put(index, path.substring(1, path.length() - 1));
        while (tokens.take(",")) {
            tokens.integer();
        }
    }

    private void function(boolean entry) {
        if (tokens.take(".attribute")) {
            while (!tokens.next().equals(")")) {
                continue;
            }
        }
        List<Variable> results = !entry && tokens.peek().equals("(") ? Declarations.parameters(tokens) : List.of();
        String functionName = tokens.next();
        List<Variable> parameters = tokens.peek().equals("(") ? Declarations.parameters(tokens) : new ArrayList<>();
        int maxThreads = 1024;
        while (!tokens.peek().equals("{") && !tokens.peek().equals(";")) {
            String directive = tokens.next();
            if (directive.equals(".maxntid") || directive.equals(".reqntid")) {
                maxThreads = (int) tokens.integer();
                while (tokens.take(",")) {
                    maxThreads *= (int) tokens.integer();
                }
            } else if (directive.equals(".pragma")) {
                tokens.next();
                tokens.take(";");
            }
        }
        int start = -1;
        if (tokens.next().equals("{")) {
            start = tokens.position();
            tokens.skipBlock();
        }
        PtxFunction old = functions.get(functionName);
        if (old == null || old.declaredOnly()) {
            functions.put(functionName, new PtxFunction(this, functionName, entry, results, parameters, maxThreads, start));
        }
    }
}

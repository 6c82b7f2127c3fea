package dev.jacquard.tensor.io;

import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the pickle of a PyTorch checkpoint as data. A pickle is a program for a stack machine whose {@code GLOBAL} and {@code REDUCE} call any function of Python; here the five
 * functions that {@code torch.save} needs for a dictionary of tensors are known by name, and any other name ends the reading. Nothing is ever executed or loaded.
 *
 * <p>What comes out: {@link Map} (insertion order, keys of text, number or nothing), {@link List}, {@link Tuple}, {@link TorchTensor}, {@link String}, {@link Long},
 * {@link Double}, {@link Boolean}, and {@link #NOTHING} for {@code None} and for numbers of more than 64 bits. Values may be shared and may contain themselves.
 *
 * <p>Protocol 2, as {@code torch.save} writes it. Depth costs no stack of ours; the number of values is limited, so that a pickle of n bytes makes a few dozen times n bytes of
 * objects and never more than some hundred megabytes.
 */
final class Unpickler {
    /** What nothing is asked of. */
    static final Object NOTHING = new Object();

    /** Some hundred times what the checkpoint of a large network has, optimizer included. */
    private static final int MAX_VALUES = 1 << 21;
    private static final int MAX_NAME = 200;
    private static final String REMEDY = "the file is damaged or was not written by torch.save; write it again";

    private final String file;
    private final ByteBuffer in;
    private final ArrayList<Object> stack = new ArrayList<>();
    /** Heights of the stack at the marks. */
    private int[] marks = new int[16];
    private int marked;
    private final Map<Long, Object> memo = new HashMap<>();
    private int values;

    /** A Python tuple. */
    record Tuple(List<Object> items) {}

    /** The functions and classes that a checkpoint may name. */
    private enum Callable {
        ORDERED_DICT("collections.OrderedDict"), TENSOR("torch._utils._rebuild_tensor_v2"), PARAMETER("torch._utils._rebuild_parameter"), SIZE("torch.Size");

        private final String python;

        Callable(String python) {
            this.python = python;
        }
    }

    private Unpickler(String file, byte[] bytes) {
        this.file = file;
        this.in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** The value that a pickle describes. @throws DataException at the first thing that is not as described above */
    static Object read(String file, byte[] bytes) {
        return new Unpickler(file, bytes).run();
    }

    private Object run() {
        if (in.remaining() < 2 || (in.get() & 0xff) != 0x80 || in.get() != 2) {
            throw bad("not a pickle of protocol 2", "other first bytes", "what torch.save writes unless told otherwise");
        }
        while (true) {
            require(1);
            int opcode = in.get() & 0xff;
            if (opcode == '.') {
                Object result = pop();
                if (!stack.isEmpty() || marked != 0 || in.hasRemaining()) {
                    throw bad("malformed pickle", "more after its end at byte " + in.position(), "one value");
                }
                return result;
            }
            step(opcode);
        }
    }

    private void step(int opcode) {
        switch (opcode) {
            case 'N' -> push(NOTHING);
            case 0x88 -> push(Boolean.TRUE);
            case 0x89 -> push(Boolean.FALSE);
            case 'K' -> push((long) (bytes(1).get() & 0xff));
            case 'M' -> push((long) (bytes(2).getShort() & 0xffff));
            case 'J' -> push((long) bytes(4).getInt());
            case 'G' -> push(bytes(8).order(ByteOrder.BIG_ENDIAN).getDouble());
            case 0x8a -> push(longInteger());
            case 'X' -> push(text(bytes(length())));
            case '(' -> mark();
            case ')' -> push(new Tuple(List.of()));
            case 0x85 -> push(new Tuple(top(1)));
            case 0x86 -> push(new Tuple(top(2)));
            case 0x87 -> push(new Tuple(top(3)));
            case 't' -> push(new Tuple(sinceMark()));
            case ']' -> push(new ArrayList<>());
            case '}' -> push(new LinkedHashMap<>());
            default -> stepOnOthers(opcode);
        }
    }

    private void stepOnOthers(int opcode) {
        switch (opcode) {
            case 'a' -> append(top(1));
            case 'e' -> append(sinceMark());
            case 's' -> put(top(2));
            case 'u' -> put(sinceMark());
            case 'q' -> memo.put((long) (bytes(1).get() & 0xff), peek());
            case 'r' -> memo.put(bytes(4).getInt() & 0xffff_ffffL, peek());
            case 'h' -> recall(bytes(1).get() & 0xff);
            case 'j' -> recall(bytes(4).getInt() & 0xffff_ffffL);
            case 'c' -> push(global(line() + "." + line()));
            case 'R' -> reduce();
            case 'b' -> build();
            case 'Q' -> push(storage(pop()));
            default -> throw bad("opcode that a checkpoint of plain tensors does not have", String.format("0x%02x at byte %d", opcode, in.position() - 1), "those of dictionaries");
        }
    }

    // The stack.

    private void push(Object value) {
        if (++values > MAX_VALUES) {
            throw bad("too many values", "more than " + MAX_VALUES, "a checkpoint of tensors");
        }
        stack.add(value);
    }

    private Object peek() {
        if (stack.size() <= floor()) {
            throw bad("malformed pickle", "an operation on nothing at byte " + in.position(), "a value on the stack");
        }
        return stack.getLast();
    }

    private Object pop() {
        Object value = peek();
        stack.removeLast();
        return value;
    }

    /** What was pushed before the last mark is out of reach. */
    private int floor() {
        return marked == 0 ? 0 : marks[marked - 1];
    }

    private List<Object> top(int n) {
        if (stack.size() - n < floor()) {
            throw bad("malformed pickle", "an operation on nothing at byte " + in.position(), n + " values on the stack");
        }
        return take(stack.size() - n);
    }

    private void mark() {
        if (marked == marks.length) {
            if (marked >= MAX_VALUES) {
                throw bad("too many values", "more than " + MAX_VALUES + " marks", "a checkpoint of tensors");
            }
            marks = Arrays.copyOf(marks, 2 * marked);
        }
        marks[marked++] = stack.size();
    }

    private List<Object> sinceMark() {
        if (marked == 0) {
            throw bad("malformed pickle", "an operation on a mark at byte " + in.position(), "a mark on the stack");
        }
        return take(marks[--marked]);
    }

    private List<Object> take(int from) {
        List<Object> tail = stack.subList(from, stack.size());
        List<Object> copy = new ArrayList<>(tail);
        tail.clear();
        return copy;
    }

    private void recall(long index) {
        Object value = memo.get(index);
        if (value == null) {
            throw bad("malformed pickle", "memo " + index + " that was never set", "one that was");
        }
        push(value);
    }

    // Containers.

    @SuppressWarnings("unchecked")
    private void append(List<Object> items) {
        if (!(peek() instanceof List<?> list)) {
            throw bad("malformed pickle", "an append at byte " + in.position() + " to what is no list", "a list");
        }
        ((List<Object>) list).addAll(items);
    }

    @SuppressWarnings("unchecked")
    private void put(List<Object> items) {
        if (!(peek() instanceof Map<?, ?> map) || items.size() % 2 != 0) {
            throw bad("malformed pickle", "an item at byte " + in.position() + " of what is no dictionary", "keys and values of a dictionary");
        }
        for (int i = 0; i < items.size(); i += 2) {
            Object key = items.get(i);
            // Others would have to be hashed through, which a value that contains itself does not survive.
            if (!(key instanceof String || key instanceof Number || key instanceof Boolean || key == NOTHING)) {
                throw bad("key of a dictionary that is neither text nor number", describe(key), "names");
            }
            ((Map<Object, Object>) map).put(key, items.get(i + 1));
        }
    }

    /** Attributes of an object; those of an {@code OrderedDict} are versions of modules, which say nothing about tensors. */
    private void build() {
        pop();
        if (!(peek() instanceof Map)) {
            throw bad("attributes of what is no dictionary", describe(peek()), "those of an OrderedDict");
        }
    }

    // Calls.

    private Object global(String name) {
        for (Callable c : Callable.values()) {
            if (c.python.equals(name)) {
                return c;
            }
        }
        TorchTensor.Kind kind = name.startsWith("torch.") ? TorchTensor.Kind.of(name.substring("torch.".length())) : null;
        if (kind == null) {
            throw new DataException(file, "checkpoint with more than plain tensors", "the Python global " + FileErrors.quote(name),
                    "tensors, dictionaries, lists, text and numbers",
                    "save the state dict alone: torch.save(model.state_dict(), ...), or use scripts/pytorch_to_safetensors.py if you trust the file");
        }
        return kind;
    }

    private void reduce() {
        Object arguments = pop();
        Object function = pop();
        if (!(function instanceof Callable c) || !(arguments instanceof Tuple(List<Object> a))) {
            throw bad("malformed pickle", "a call of " + describe(function) + " at byte " + in.position(), "one of the functions that make tensors");
        }
        push(switch (c) {
            case ORDERED_DICT -> a.isEmpty() ? new LinkedHashMap<>() : wrongArguments(c);
            case SIZE -> a.size() == 1 && a.getFirst() instanceof Tuple size ? size : wrongArguments(c);
            case PARAMETER -> !a.isEmpty() && a.getFirst() instanceof TorchTensor t ? t : wrongArguments(c);
            case TENSOR -> a.size() >= 4 && a.get(0) instanceof TorchTensor.Storage s && a.get(1) instanceof Long offset
                    ? tensor(s, integers(a.get(2)), integers(a.get(3)), offset)
                    : wrongArguments(c);
        });
    }

    private Object wrongArguments(Callable c) {
        throw bad("malformed pickle", c.python + " of other arguments", "those that torch.save writes");
    }

    private TorchTensor tensor(TorchTensor.Storage storage, long[] sizes, long[] strides, long offset) {
        String wrong = TorchTensor.wrong(storage, sizes, strides, offset);
        if (wrong != null) {
            throw bad("tensor does not fit its storage " + FileErrors.quote(storage.key()), wrong, "a view of its " + storage.elements() + " elements");
        }
        return new TorchTensor(storage, Shape.of(sizes), strides, offset);
    }

    private long[] integers(Object tuple) {
        List<Object> items = tuple instanceof Tuple(List<Object> i) ? i : List.of(NOTHING);
        if (!items.stream().allMatch(Long.class::isInstance)) {
            throw bad("malformed pickle", "extents or strides that are no integers", "a tuple of integers");
        }
        return items.stream().mapToLong(i -> (Long) i).toArray();
    }

    /** The persistent id of a storage: ("storage", class, key, device, number of elements). */
    private TorchTensor.Storage storage(Object id) {
        if (id instanceof Tuple(List<Object> p) && p.size() == 5 && "storage".equals(p.get(0)) && p.get(1) instanceof TorchTensor.Kind kind && p.get(2) instanceof String key
                && p.get(4) instanceof Long elements && elements >= 0 && elements <= Long.MAX_VALUE / Long.BYTES) {
            return new TorchTensor.Storage(kind, key, elements);
        }
        throw bad("malformed pickle", "a persistent id of another form", "that of a storage");
    }

    // Bytes.

    private void require(long n) {
        if (n > in.remaining()) {
            throw bad("truncated pickle", n + " bytes wanted at byte " + in.position(), in.remaining() + " that are left");
        }
    }

    private ByteBuffer bytes(int n) {
        require(n);
        ByteBuffer piece = in.slice(in.position(), n).order(ByteOrder.LITTLE_ENDIAN);
        in.position(in.position() + n);
        return piece;
    }

    private int length() {
        long n = bytes(4).getInt() & 0xffff_ffffL;
        require(n);
        return (int) n;
    }

    private Object longInteger() {
        ByteBuffer little = bytes(bytes(1).get() & 0xff);
        int n = little.remaining();
        if (n > Long.BYTES) {
            return NOTHING; // Seeds may be so long; no tensor depends on one.
        }
        long value = n == 0 ? 0 : little.get(n - 1); // The sign.
        for (int i = n - 2; i >= 0; i--) {
            value = value << 8 | little.get(i) & 0xff;
        }
        return value;
    }

    private String text(ByteBuffer utf8) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(utf8).toString();
        } catch (CharacterCodingException e) {
            throw new DataException(file, "malformed pickle", "text that is no UTF-8 before byte " + in.position(), "UTF-8", REMEDY, e);
        }
    }

    private String line() {
        StringBuilder name = new StringBuilder();
        while (true) {
            char c = (char) (bytes(1).get() & 0xff);
            if (c == '\n') {
                return name.toString();
            }
            if (name.append(c).length() > MAX_NAME) {
                throw bad("malformed pickle", "a name of more than " + MAX_NAME + " characters", "the name of a Python global");
            }
        }
    }

    /** For messages; never walks into containers. */
    private static String describe(Object value) {
        return switch (value) {
            case Callable c -> c.python;
            case String s -> FileErrors.quote(s);
            case Map<?, ?> _ -> "a dictionary";
            case List<?> _, Tuple _ -> "a list";
            case TorchTensor _, TorchTensor.Storage _, TorchTensor.Kind _ -> "a tensor or storage";
            default -> value == NOTHING ? "None" : "a number";
        };
    }

    private DataException bad(String problem, String got, String expected) {
        return new DataException(file, problem, got, expected, REMEDY);
    }
}

package dev.jacquard.onnx;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** A GraphProto in the making. Field numbers are those of onnx.proto (github.com/onnx/onnx), which never change. Not thread-safe. */
final class OnnxGraph {
    private static final int FLOAT = 1;
    private static final int INT64 = 7;

    private final Message message = new Message();
    private final Set<String> taken = new HashSet<>();

    /** A field of a node besides its operands. */
    record Attribute(String name, Message value) {
        private static final int REAL = 1;
        private static final int NUMBER = 2;
        private static final int NUMBERS = 7;

        static Attribute of(String name, long value) {
            return new Attribute(name, new Message().text(1, name).number(3, value).number(20, NUMBER));
        }

        static Attribute of(String name, float value) {
            return new Attribute(name, new Message().text(1, name).real(2, value).number(20, REAL));
        }

        static Attribute of(String name, long... values) {
            Message m = new Message().text(1, name);
            for (long v : values) {
                m.number(8, v);
            }
            return new Attribute(name, m.number(20, NUMBERS));
        }
    }

    OnnxGraph(String name) {
        message.text(2, name);
    }

    Message message() {
        return message;
    }

    /** A name that nothing else has: the wish, with a number behind it if need be. */
    String free(String wish) {
        String name = wish;
        for (int i = 1; !taken.add(name); i++) {
            name = wish + "." + i;
        }
        return name;
    }

    /** Adds a node of one result. @param name of node and result, taken from {@link #free} @return the name */
    String node(String name, String op, List<String> inputs, Attribute... attributes) {
        Message n = new Message();
        inputs.forEach(in -> n.text(1, in));
        n.text(2, name).text(3, name).text(4, op);
        for (Attribute a : attributes) {
            n.message(5, a.value());
        }
        message.message(1, n);
        return name;
    }

    /** Adds constants. @param wish a name @return the name that they have */
    String floats(String wish, float[] values, long... dims) {
        ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(values.length, Float.BYTES)).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        return constant(wish, FLOAT, bytes.array(), dims);
    }

    /** Adds a list of constants. */
    String longs(String wish, long... values) {
        ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(values.length, Long.BYTES)).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asLongBuffer().put(values);
        return constant(wish, INT64, bytes.array(), values.length);
    }

    private String constant(String wish, int type, byte[] bytes, long... dims) {
        String name = free(wish);
        Message tensor = new Message();
        for (long d : dims) {
            tensor.number(1, d);
        }
        message.message(5, tensor.number(2, type).text(8, name).bytes(9, bytes));
        return name;
    }

    /** Declares an input. @param anyFirst whether the first extent is left open */
    void input(String name, boolean anyFirst, long... dims) {
        message.message(11, value(name, anyFirst, dims));
    }

    /** Declares a result. @param anyFirst whether the first extent is left open */
    void output(String name, boolean anyFirst, long... dims) {
        message.message(12, value(name, anyFirst, dims));
    }

    private static Message value(String name, boolean anyFirst, long... dims) {
        Message shape = new Message();
        for (int i = 0; i < dims.length; i++) {
            shape.message(1, i == 0 && anyFirst ? new Message().text(2, "N") : new Message().number(1, dims[i]));
        }
        return new Message().text(1, name).message(2, new Message().message(1, new Message().number(1, FLOAT).message(2, shape)));
    }
}

package dev.jacquard.tck;

import dev.jacquard.tck.reference.Array;
import dev.jacquard.tck.reference.ReferenceBackend;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.EagerTensor;
import dev.jacquard.tensor.Scope;
import dev.jacquard.tensor.Tensor;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.op.ViewOp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The exact outputs of an op, in double: by the reference's kernel, or, for composites, by their definition on the reference backend. */
public final class Oracle {
    private static final ReferenceBackend REFERENCE = new ReferenceBackend();

    private Oracle() {}

    /** Exact outputs. @param types of the operands, whatever floating type is under test */
    public static List<double[]> outputs(Op op, List<TensorType> types, List<double[]> values) {
        List<TensorType> exact = types.stream().map(Oracle::exact).toList();
        if (op instanceof ViewOp || REFERENCE.unsupported(op, exact).isEmpty()) {
            List<Array> in = new ArrayList<>();
            for (int i = 0; i < exact.size(); i++) {
                long[] integers = exact.get(i).dtype() == DType.I64 ? Arrays.stream(values.get(i)).mapToLong(v -> (long) v).toArray() : new long[0];
                in.add(new Array(exact.get(i), values.get(i), integers));
            }
            return ReferenceBackend.compute(op, in);
        }
        try (Scope s = Scope.open(REFERENCE)) {
            return s.apply(op, tensors(s, exact, values)).stream().map(t -> ((EagerTensor) t).doubles()).toList();
        }
    }

    /** The type that an operand has in the oracle. */
    static TensorType exact(TensorType type) {
        return type.dtype().isFloating() ? type.withDType(DType.F64) : type;
    }

    static ReferenceBackend reference() {
        return REFERENCE;
    }

    static List<Tensor> tensors(Scope scope, List<TensorType> types, List<double[]> values) {
        List<Tensor> tensors = new ArrayList<>();
        for (int i = 0; i < types.size(); i++) {
            tensors.add(scope.tensor(types.get(i), values.get(i)));
        }
        return tensors;
    }
}

package dev.jacquard.cli;

import dev.jacquard.kernels.GpuModel;
import dev.jacquard.kernels.PlanTimer;
import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.op.Accuracy;
import dev.jacquard.tensor.op.Cost;
import dev.jacquard.tensor.op.Op;
import dev.jacquard.tensor.plan.Plan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A plan's launches, those of equal ops on operands of equal types as one row: what each must do at least, how long that takes at best, which kernel was chosen, how long that
 * takes.
 */
final class PlanTable {
    private static final int OPERANDS_SHOWN = 4;
    private static final String CSV = "op,operands,count,dtype,bytes,flops,floor_us,limit,choice,kernels,us,percent_of_floor";

    private static final String WINDOW = "window=Window\\[strideH=(\\d+), strideW=(\\d+), top=(\\d+), bottom=(\\d+), left=(\\d+), right=(\\d+), dilationH=(\\d+), "
            + "dilationW=(\\d+)]";
    private static final Set<String> USUAL = Set.of("stride=1x1", "pad=0 0 0 0", "dilation=1x1", "groups=1", "residual=false", "keep=false", "transposeA=false",
            "transposeB=false");
    /** Characters of attributes: a fused update has a list of hundreds of parts. */
    private static final int MOST = 70;

    private final List<Row> rows = new ArrayList<>();

    /** What launches have in common that cost the same. */
    private record Kind(Op op, List<TensorType> in) {}

    /**
     * Launches that cost the same.
     *
     * @param op what is computed
     * @param in types of its operands
     * @param count of launches
     * @param cost of each
     * @param floor microseconds of each at best
     * @param memory whether it is the memory that sets the floor
     * @param choice the candidate that was taken; empty if there was none to choose
     * @param kernels symbols
     * @param us microseconds of each as measured; NaN without a device
     */
    record Row(Op op, List<TensorType> in, int count, Cost cost, double floor, boolean memory, String choice, List<String> kernels, double us) {
        private Row more() {
            return new Row(op, in, count + 1, cost, floor, memory, choice, kernels, us);
        }

        /** Type of its widest operand but for integers, which index or count. */
        DType type() {
            return in.stream().map(TensorType::dtype).filter(DType::isFloating).findFirst().orElse(in.isEmpty() ? DType.F32 : in.getFirst().dtype());
        }

        double total() {
            return count * (Double.isNaN(us) ? floor : us);
        }

        /** {@code conv2d stride=2x2 pad=1 1 1 1 groups=32}: the op's name and the attributes that are not the usual ones. */
        String what() {
            String text = op.toString().replaceFirst("^[^\\[]*", "").replaceAll(WINDOW, "stride=$1x$2, pad=$3 $4 $5 $6, dilation=$7x$8");
            List<String> attributes = text.length() <= 2 ? List.of() : Arrays.stream(text.substring(1, text.length() - 1).split(", ")).filter(a -> !USUAL.contains(a)).toList();
            String all = String.join(" ", attributes);
            return op.name() + (all.isEmpty() ? "" : " " + (all.length() > MOST ? all.substring(0, MOST) + "..." : all));
        }

        String operands() {
            String shown = in.stream().limit(OPERANDS_SHOWN).map(t -> t.toString().replace(" ", "")).collect(Collectors.joining(" "));
            return shown + (in.size() > OPERANDS_SHOWN ? " and " + (in.size() - OPERANDS_SHOWN) + " more" : "");
        }

        private String kernel() {
            String symbols = String.join(" ", new LinkedHashSet<>(kernels));
            return choice.isEmpty() ? symbols : symbols.isEmpty() ? choice : choice + ": " + symbols;
        }

        private String line() {
            return String.format(Locale.ROOT, "%5d %,13d %9.3f %10.2f %-6s %10s %8s  %s  %s <- %s%n", count, cost.bytes(), cost.flops() / 1e9, floor, memory ? "memory" : "math",
                    measured("%.2f", us), measured("%.0f", 100 * floor / us), what(), operands(), kernel());
        }

        /** A number, or a dash where nothing was measured. */
        private String measured(String format, double value) {
            return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, format, value);
        }

        private String csv() {
            return String.format(Locale.ROOT, "\"%s\",\"%s\",%d,%s,%d,%d,%.3f,%s,\"%s\",%s,%s,%s", what(), operands(), count, type(), cost.bytes(), cost.flops(), floor,
                    memory ? "memory" : "arithmetic", choice, String.join(" ", kernels), measured("%.3f", us), measured("%.1f", 100 * floor / us));
        }
    }

    /**
     * Looks at a plan.
     *
     * @param plan on a CUDA backend, real or on paper
     * @param gpu whose floors are meant
     * @param tf32 whether F32 products may be TF32's
     * @param measured whether launches are timed, after the plan has run once
     */
    static PlanTable of(Plan plan, PlanTimer timer, GpuModel gpu, boolean tf32, boolean measured) {
        Map<Kind, Row> rows = new LinkedHashMap<>();
        for (Plan.Step s : plan.steps()) {
            rows.compute(new Kind(s.op(), s.inputs()), (_, known) -> known != null ? known.more() : row(s, timer, gpu, tf32, measured));
        }
        PlanTable table = new PlanTable();
        table.rows.addAll(rows.values());
        return table;
    }

    private static Row row(Plan.Step s, PlanTimer timer, GpuModel gpu, boolean tf32, boolean measured) {
        Cost cost = s.cost();
        Row row = new Row(s.op(), s.inputs(), 1, cost, 0, true, timer.taken(s.op(), s.inputs()).orElse(""), timer.kernels(s.launch()), measured ? timer.us(s.launch())
                : Double.NaN);
        Accuracy.Kind kind = s.op().accuracy(s.inputs()).kind();
        double floor = gpu.floor(cost, kind, row.type(), tf32);
        return new Row(row.op, row.in, 1, cost, floor, floor <= gpu.floor(new Cost(cost.bytes(), 0), kind, row.type(), tf32), row.choice, row.kernels, row.us);
    }

    /** All rows, in the order of their first launches. */
    List<Row> rows() {
        return List.copyOf(rows);
    }

    /** What all launches must do. */
    Cost cost() {
        return rows.stream().map(r -> new Cost(r.count * r.cost.bytes(), r.count * r.cost.flops())).reduce(Cost.FREE, Cost::plus);
    }

    /** Microseconds of all launches at best. */
    double floor() {
        return rows.stream().mapToDouble(r -> r.count * r.floor).sum();
    }

    /** Microseconds of all launches as measured one by one; NaN without a device. */
    double us() {
        return rows.stream().mapToDouble(r -> r.count * r.us).sum();
    }

    /** The rows as text, those that take the most together first. */
    String text() {
        StringBuilder text = new StringBuilder(String.format("%5s %13s %9s %10s %-6s %10s %8s  %s%n", "count", "bytes", "GFLOP", "floor us", "limit", "us", "% floor",
                "op, operands <- kernels"));
        rows.stream().sorted(Comparator.comparingDouble(r -> -r.total())).forEach(r -> text.append(r.line()));
        return text.toString();
    }

    /** The rows as lines of a CSV file, after a header. */
    List<String> csv() {
        List<String> lines = new ArrayList<>(List.of(CSV));
        rows.forEach(r -> lines.add(r.csv()));
        return lines;
    }
}

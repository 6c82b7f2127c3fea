package dev.jacquard.kernels;

import dev.jacquard.tensor.op.Cost;
import java.util.Map;

/**
 * What a device was measured to do at best.
 *
 * @param copy GB/s of a copy of large memory, read and written bytes together
 * @param products TFLOP/s (of I8: TOP/s) of the fastest large product in each arithmetic, whoever computed it; without those that were not measured
 */
public record DeviceRates(double copy, Map<Arithmetic, Double> products) {
    /** Takes a copy. */
    public DeviceRates {
        products = Map.copyOf(products);
    }

    /**
     * The roofline: microseconds of the bytes or of the operations, whichever is longer; NaN if the arithmetic was not measured. Nobody proved that it cannot be beaten: it is what
     * this device has shown.
     */
    public double floor(Cost cost, Arithmetic arithmetic) {
        return Math.max(cost.bytes() / copy / 1e3, cost.flops() / products.getOrDefault(arithmetic, Double.NaN) / 1e6);
    }
}

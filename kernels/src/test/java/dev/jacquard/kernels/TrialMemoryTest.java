package dev.jacquard.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.jacquard.kernels.driver.Driver;
import dev.jacquard.tensor.TensorType;
import dev.jacquard.tensor.backend.View;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TrialMemoryTest {
    private final List<Long> copied = new ArrayList<>();

    /** A device on paper, where allocations of 256 bytes lie end to end; it notes how much is copied on it. */
    private Driver driver() {
        Driver paper = new PaperDriver(GpuModel.of("h100").device());
        return (Driver) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Driver.class}, (_, method, args) -> {
            if (method.getName().equals("copy")) {
                copied.add((Long) args[2]);
            }
            try {
                return method.invoke(paper, args);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }

    @Test
    void operandsThatLieEndToEndAreCopiedOneByOne() {
        Device device = new Device("paper", driver(), false, MatrixOptions.DEFAULT);
        TensorType t = TensorType.f32(8, 8);
        List<View> views = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            views.add(View.of(new CudaBuffer(device, device.allocate(t.bytes(), "operand"), t.bytes(), true), t));
        }
        new TrialMemory(device, new Call(device, List.of(views.get(0), views.get(1), views.get(0)), List.of(views.get(2)), 0)).close();
        assertEquals(List.of(256L, 256L, 256L, 256L, 256L, 256L), copied, "three aside, three back");
    }
}

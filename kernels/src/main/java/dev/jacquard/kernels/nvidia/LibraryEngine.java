package dev.jacquard.kernels.nvidia;

import dev.jacquard.kernels.driver.DriverException;
import dev.jacquard.kernels.driver.DriverException.Kind;
import dev.jacquard.kernels.driver.Epilogue;
import dev.jacquard.kernels.driver.MatrixEngine;

/** What the libraries' engines have in common. */
abstract class LibraryEngine implements MatrixEngine {
    private final String name;
    private final long workspace;
    private final Epilogue epilogue;

    /** @param workspace scratch in bytes @param epilogue what operands are checked against */
    LibraryEngine(String name, long workspace, Epilogue epilogue) {
        this.name = name;
        this.workspace = workspace;
        this.epilogue = epilogue;
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final long workspace() {
        return workspace;
    }

    @Override
    public final Bound bind(Operands o) {
        if (!o.fit(epilogue)) {
            throw new DriverException(Kind.OTHER, name + ": operands " + o + " are not those of " + epilogue);
        }
        return bound(o);
    }

    /** Binds it to operands that are the problem's. @throws DriverException of kind LIBRARY if the library refuses */
    abstract Bound bound(Operands o);
}

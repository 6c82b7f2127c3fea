package dev.jacquard.kernels.nvidia;

import jcuda.driver.CUcontext;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUmodule;
import jcuda.driver.CUstream;
import jcuda.jcublas.cublasHandle;
import jcuda.jcudnn.cudnnConvolutionDescriptor;
import jcuda.jcudnn.cudnnFilterDescriptor;
import jcuda.jcudnn.cudnnHandle;
import jcuda.jcudnn.cudnnTensorDescriptor;

/** JCuda's handles with their numbers made readable: to JCuda they are objects only, to FFM numbers only. */
final class Handles {
    private Handles() {}

    static final class Context extends CUcontext {
        long number() {
            return getNativePointer();
        }
    }

    static final class Memory extends CUdeviceptr {
        long number() {
            return getNativePointer();
        }
    }

    static final class Module extends CUmodule {
        long number() {
            return getNativePointer();
        }
    }

    static final class Stream extends CUstream {
        long number() {
            return getNativePointer();
        }
    }

    static final class Event extends CUevent {
        long number() {
            return getNativePointer();
        }
    }

    static final class Cublas extends cublasHandle {
        long number() {
            return getNativePointer();
        }
    }

    static final class Cudnn extends cudnnHandle {
        long number() {
            return getNativePointer();
        }
    }

    static final class Tensor extends cudnnTensorDescriptor {
        long number() {
            return getNativePointer();
        }
    }

    static final class Filter extends cudnnFilterDescriptor {
        long number() {
            return getNativePointer();
        }
    }

    static final class Convolution extends cudnnConvolutionDescriptor {
        long number() {
            return getNativePointer();
        }
    }
}

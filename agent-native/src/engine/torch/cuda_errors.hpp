// Which CUDA errors end the process: after these every further call in it fails as well.
#pragma once

namespace daris::engine::torch {

/// Whether a CUresult, or the cudaError_t of the same number, says that the context is lost.
[[nodiscard]] constexpr bool is_sticky(int error) {
  switch (error) {
    case 214:  // uncorrectable ECC error
    case 220:  // uncorrectable NVLink error
    case 226:  // contained memory error
    case 700:  // illegal address
    case 702:  // launch timed out
    case 709:  // context is destroyed
    case 710:  // assert in a kernel
    case 714:  // hardware stack error
    case 715:  // illegal instruction
    case 716:  // misaligned address
    case 717:  // invalid address space
    case 718:  // invalid program counter
    case 719:  // unspecified launch failure
    case 721:  // tensor memory leak
    case 810:  // the MPS client was terminated
    case 999:  // unknown
      return true;
    default:
      return false;
  }
}

}  // namespace daris::engine::torch

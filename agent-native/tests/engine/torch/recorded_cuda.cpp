// Stands in for the CUDA driver where there is no GPU: tells of as many as DARIS_RECORDED_GPUS says, whose
// UUIDs count up, or fails with the error DARIS_RECORDED_CUDA_ERROR.
#include <cstdlib>
#include <cstring>

namespace {

int numberIn(const char* variable) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? 0 : std::atoi(text);
}

}  // namespace

extern "C" {

int cuInit(unsigned /*flags*/) {
  return numberIn("DARIS_RECORDED_CUDA_ERROR");
}

int cuDeviceGetCount(int* count) {
  *count = numberIn("DARIS_RECORDED_GPUS");
  return 0;
}

int cuDeviceGet(int* device, int ordinal) {
  *device = ordinal;
  return 0;
}

int cuDeviceGetUuid(unsigned char* bytes, int device) {
  std::memset(bytes, 0xA0 + device, 16);
  return 0;
}

}  // extern "C"

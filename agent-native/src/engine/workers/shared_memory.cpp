#include "engine/workers/shared_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace daris::engine::workers {
namespace {

constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW;

void check(bool done, const char* what) {
  if (!done) throw std::system_error(errno, std::generic_category(), what);
}

UniqueFd make(std::size_t bytes) {
  UniqueFd fd(::memfd_create("daris-worker", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  check(static_cast<bool>(fd), "shared memory");
  check(::ftruncate(fd.get(), static_cast<off_t>(bytes)) == 0, "the size of shared memory");
  check(::fcntl(fd.get(), F_ADD_SEALS, kSizeSeals) == 0, "sealing shared memory");
  return fd;
}

std::size_t size_of(int fd) {
  struct stat status {};
  check(::fstat(fd, &status) == 0, "the size of shared memory");
  return static_cast<std::size_t>(status.st_size);
}

}  // namespace

SharedMemory::SharedMemory(std::size_t bytes) : fd_(make(bytes)), memory_(map(fd_.get(), bytes)) {}

SharedMemory::SharedMemory(UniqueFd fd) : fd_(std::move(fd)) {
  if ((::fcntl(fd_.get(), F_GET_SEALS) & kSizeSeals) != kSizeSeals)
    throw std::runtime_error("shared memory whose size may change under this process is not mapped");
  memory_ = map(fd_.get(), size_of(fd_.get()));
}

SharedMemory::Mapping SharedMemory::map(int fd, std::size_t bytes) {
  // Populated: no page fault while a stage waits.
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  check(memory != MAP_FAILED, "mapping shared memory");
  return {static_cast<std::byte*>(memory), Unmap{bytes}};
}

void SharedMemory::Unmap::operator()(std::byte* memory) const noexcept {
  (void)::munmap(memory, bytes);
}

}  // namespace daris::engine::workers

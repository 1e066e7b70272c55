// Preloaded into a program, lets one of its calls that write fail: the FOVEA_FAIL_AT-th from 1 on,
// with the error number FOVEA_FAIL_ERRNO. The names of the calls up to there, or of all, are in the
// file FOVEA_FAIL_REPORT, one a line, the one that failed with a "!" before it. What libc does
// inside itself (stdio) does not pass here.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

std::atomic<long> g_calls{0};

long setting(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? 0 : std::atol(text);
}

void report(const char* line) {
  const char* path = std::getenv("FOVEA_FAIL_REPORT");
  const long file = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND, 0600);
  syscall(SYS_write, file, line, std::strlen(line));
  syscall(SYS_close, file);
}

// Counts a call; true, with errno set, where it shall fail.
bool fails(const char* call) {
  const long number = ++g_calls;
  const long fail_at = setting("FOVEA_FAIL_AT");
  if (fail_at != 0 && number > fail_at) return false;
  char line[32];
  std::snprintf(line, sizeof(line), "%s%s\n", number == fail_at ? "!" : "", call);
  report(line);
  errno = static_cast<int>(setting("FOVEA_FAIL_ERRNO"));
  return number == fail_at;
}

bool is_written_file(int fd) {
  struct stat status = {};
  const bool is_file = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  return is_file && (::fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
}

int open_file(int folder, const char* path, int flags, mode_t mode) {
  if ((flags & O_ACCMODE) != O_RDONLY && fails("open")) return -1;
  return static_cast<int>(syscall(SYS_openat, folder, path, flags, mode));
}

mode_t mode_of(int flags, va_list arguments) {
  const bool has_mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  return has_mode ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_file(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_file(folder, path, flags, mode);
}

ssize_t write(int fd, const void* bytes, size_t count) {
  return is_written_file(fd) && fails("write") ? -1 : syscall(SYS_write, fd, bytes, count);
}

ssize_t writev(int fd, const iovec* pieces, int count) {
  return is_written_file(fd) && fails("writev") ? -1 : syscall(SYS_writev, fd, pieces, count);
}

ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  return fails("pwrite") ? -1 : syscall(SYS_pwrite64, fd, bytes, count, offset);
}

int ftruncate(int fd, off_t size) noexcept {
  return fails("ftruncate") ? -1 : static_cast<int>(syscall(SYS_ftruncate, fd, size));
}

int fsync(int fd) { return fails("fsync") ? -1 : static_cast<int>(syscall(SYS_fsync, fd)); }

// It is closed in any case, as the system does it.
int close(int fd) {
  const bool failed = is_written_file(fd) && fails("close");
  const int error = errno;
  const int result = static_cast<int>(syscall(SYS_close, fd));
  if (failed) errno = error;
  return failed ? -1 : result;
}

int rename(const char* from, const char* to) noexcept {
  return fails("rename")
             ? -1
             : static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  return fails("linkat")
             ? -1
             : static_cast<int>(syscall(SYS_linkat, from_folder, from, to_folder, to, flags));
}

int mkdir(const char* path, mode_t mode) noexcept {
  return fails("mkdir") ? -1 : static_cast<int>(syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}
}

#pragma once
// System calls that fail, or end the process, when they are called for the Nth time. Included in
// one source file of a test program: its definitions come before those of the C library, for SQLite
// and libkinora too.
//
//     failingCalls() = {.at = 7, .how = FailingCalls::How::Once, .error = ENOSPC};
//
// Counted are the calls that write, flush, rename or remove below `folder`.

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <string>
#include <sys/types.h>
#include <unistd.h>

namespace kinora::core::testing {

struct FailingCalls {
    enum class How { Never, Once, ForGood, Kill };
    std::string folder;
    int at = 0; // from 1
    How how = How::Never;
    int error = EIO;
    std::atomic<int> calls = 0;

    // Whether the call that is made now fails.
    bool fails() {
        if (how == How::Never) return false;
        const int number = ++calls;
        if (how == How::Kill && number == at) ::kill(::getpid(), SIGKILL);
        const bool now = how == How::ForGood ? number >= at : number == at;
        if (now) errno = error;
        return now && how != How::Kill;
    }
    bool failsFor(int descriptor) {
        if (how == How::Never) return false;
        std::array<char, 64> link{};
        std::array<char, 4096> path{};
        std::snprintf(link.data(), link.size(), "/proc/self/fd/%d", descriptor);
        const ssize_t size = ::readlink(link.data(), path.data(), path.size() - 1);
        return size > 0 && failsFor(std::string(path.data(), static_cast<size_t>(size)).c_str());
    }
    bool failsFor(const char* path) {
        return how != How::Never && std::strncmp(path, folder.c_str(), folder.size()) == 0 &&
               fails();
    }
};

inline FailingCalls& failingCalls() {
    static FailingCalls calls;
    return calls;
}

template <typename Function> Function realCall(const char* name) {
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

} // namespace kinora::core::testing

using kinora::core::testing::failingCalls;
using kinora::core::testing::realCall;

extern "C" {

ssize_t write(int descriptor, const void* bytes, size_t size) {
    static const auto real = realCall<ssize_t (*)(int, const void*, size_t)>("write");
    return failingCalls().failsFor(descriptor) ? -1 : real(descriptor, bytes, size);
}
ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off64_t at) {
    static const auto real = realCall<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
    return failingCalls().failsFor(descriptor) ? -1 : real(descriptor, bytes, size, at);
}
ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t at) {
    static const auto real = realCall<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
    return failingCalls().failsFor(descriptor) ? -1 : real(descriptor, bytes, size, at);
}
int fsync(int descriptor) {
    static const auto real = realCall<int (*)(int)>("fsync");
    return failingCalls().failsFor(descriptor) ? -1 : real(descriptor);
}
int fdatasync(int descriptor) {
    static const auto real = realCall<int (*)(int)>("fdatasync");
    return failingCalls().failsFor(descriptor) ? -1 : real(descriptor);
}
int rename(const char* from, const char* to) {
    static const auto real = realCall<int (*)(const char*, const char*)>("rename");
    return failingCalls().failsFor(to) ? -1 : real(from, to);
}
int renameat2(int fromFolder, const char* from, int toFolder, const char* to, unsigned flags) {
    static const auto real =
        realCall<int (*)(int, const char*, int, const char*, unsigned)>("renameat2");
    return failingCalls().failsFor(to) ? -1 : real(fromFolder, from, toFolder, to, flags);
}
int link(const char* from, const char* to) {
    static const auto real = realCall<int (*)(const char*, const char*)>("link");
    return failingCalls().failsFor(to) ? -1 : real(from, to);
}
int unlink(const char* path) {
    static const auto real = realCall<int (*)(const char*)>("unlink");
    return failingCalls().failsFor(path) ? -1 : real(path);
}
}

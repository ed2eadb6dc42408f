#include "core/devices/sleep_inhibitor.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kinora::core {
namespace {

// argv's strings are not written to: posix_spawn's type is older than const.
char* argument(const char* text) {
    return const_cast<char*>(text);
}

// Starts the command with `input` as its standard input and its messages thrown away; -1 where it
// cannot be started.
pid_t spawn(char* const* arguments, int input) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    // A group of its own: Ctrl-C is for the program, which lets go when it is ready.
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
    pid_t process = -1;
    if (::posix_spawnp(&process, arguments[0], &actions, &attributes, arguments, environ) != 0)
        process = -1;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return process;
}

} // namespace

SleepInhibitor::SleepInhibitor(const std::string& reason) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
    const std::string why = "--why=" + reason;
    // cat ends when the pipe does, and with it systemd-inhibit and the request.
    std::array<char*, 7> arguments{argument("systemd-inhibit"),
                                   argument("--what=sleep:idle"),
                                   argument("--who=Kinora"),
                                   argument(why.c_str()),
                                   argument("--mode=block"),
                                   argument("cat"),
                                   nullptr};
    m_process = spawn(arguments.data(), ends[0]);
    ::close(ends[0]);
    m_pipe = ends[1];
}

SleepInhibitor::~SleepInhibitor() {
    if (m_pipe >= 0) ::close(m_pipe);
    if (m_process > 0)
        while (::waitpid(m_process, nullptr, 0) < 0 && errno == EINTR) {
        }
}

bool SleepInhibitor::holds() const {
    if (m_process <= 0) return false;
    siginfo_t state{};
    // WNOWAIT: the destructor still waits for it.
    const int failed =
        ::waitid(P_PID, static_cast<id_t>(m_process), &state, WEXITED | WNOHANG | WNOWAIT);
    return failed == 0 && state.si_pid == 0;
}

} // namespace kinora::core

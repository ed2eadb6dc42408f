#include "core/engine/worker/worker_process.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace kinora::core {

namespace {

constexpr double kLeaveSeconds = 5;
constexpr double kDieSeconds = 3; // from signal 9 to the end

// What posix_spawn is told: descriptors, signals, process group.
class SpawnSettings {
  public:
    SpawnSettings(int segment, int lifeline) {
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, segment, WorkerProcess::kSegmentDescriptor);
        ::posix_spawn_file_actions_adddup2(&actions, lifeline, WorkerProcess::kLifelineDescriptor);
        ::posix_spawnattr_init(&attributes);
        sigset_t none;
        sigemptyset(&none);
        ::posix_spawnattr_setsigmask(&attributes, &none);
        ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
        ::posix_spawnattr_setpgroup(&attributes, 0);
    }
    ~SpawnSettings() {
        ::posix_spawn_file_actions_destroy(&actions);
        ::posix_spawnattr_destroy(&attributes);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;

    posix_spawn_file_actions_t actions{};
    posix_spawnattr_t attributes{};
};

// A copy above the numbers that the child's own descriptors get: dup2 onto one would lose it.
Descriptor movedUp(int descriptor) {
    constexpr int kAbove = 16;
    return Descriptor(::fcntl(descriptor, F_DUPFD_CLOEXEC, kAbove));
}

int milliseconds(double seconds) {
    return static_cast<int>(seconds * 1000);
}

} // namespace

WorkerProcess::WorkerProcess(pid_t pid, Descriptor lifeline)
    : m_pid(pid), m_lifeline(std::move(lifeline)) {}

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::start(const std::filesystem::path& program,
                                                            std::vector<std::string> arguments,
                                                            const SharedSegment& segment) {
    const auto failed = [&](int error) {
        return Error(ErrorCode::Io, "A worker process, " + program.string() +
                                        ", cannot be started: " + std::strerror(error) + ".");
    };
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return failed(errno);
    Descriptor ours(ends[0]);
    const Descriptor theirs(ends[1]);
    const Descriptor memory = movedUp(segment.descriptor()), lifeline = movedUp(theirs.get());
    if (!memory || !lifeline) return failed(errno);

    std::string name = program.string();
    std::vector<char*> words{name.data()};
    for (std::string& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    const SpawnSettings settings(memory.get(), lifeline.get());
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, name.c_str(), &settings.actions, &settings.attributes,
                                    words.data(), environ);
    if (error != 0) return failed(error);
    return std::unique_ptr<WorkerProcess>(new WorkerProcess(pid, std::move(ours)));
}

WorkerProcess::~WorkerProcess() {
    letGo();
    (void)howItEnded(kLeaveSeconds);
}

bool WorkerProcess::waitUntilReady(double seconds) const {
    pollfd wait{m_lifeline.get(), POLLIN, 0};
    char ready = 0;
    return ::poll(&wait, 1, milliseconds(seconds)) == 1 && ::read(m_lifeline.get(), &ready, 1) == 1;
}

bool WorkerProcess::waitForEnd(double seconds) const {
    pollfd wait{m_lifeline.get(), POLLIN, 0}; // it writes nothing more: readable is the end of it
    return ::poll(&wait, 1, milliseconds(seconds)) == 1;
}

void WorkerProcess::letGo() {
    ::shutdown(m_lifeline.get(), SHUT_RDWR);
}

void WorkerProcess::kill() {
    const std::lock_guard lock(m_mutex);
    if (!m_reaped) ::kill(m_pid, SIGKILL);
}

bool WorkerProcess::reap() {
    const std::lock_guard lock(m_mutex);
    if (m_reaped) return true;
    m_reaped = ::waitpid(m_pid, &m_status, WNOHANG) != 0; // does not wait: no signal interrupts it
    return m_reaped;
}

bool WorkerProcess::reapWithin(double seconds) {
    constexpr int kLookMilliseconds = 5;
    for (int waited = 0; !reap(); waited += kLookMilliseconds) {
        if (waited >= milliseconds(seconds)) return false;
        ::poll(nullptr, 0, kLookMilliseconds);
    }
    return true;
}

std::string WorkerProcess::howItEnded(double seconds) {
    if (!reapWithin(seconds)) {
        kill();
        // One that waits for a disk that does not answer cannot even be killed. Nobody waits for
        // it: it ends by itself when the disk does answer, and stays in no one's way until then.
        if (!reapWithin(kDieSeconds)) return "does not end, though it was killed (signal 9)";
    }
    if (WIFSIGNALED(m_status)) {
        const int signal = WTERMSIG(m_status);
        const char* how = signal == SIGKILL ? "was killed" : "crashed";
        return std::string(how) + " (signal " + std::to_string(signal) + ")";
    }
    return "ended with code " + std::to_string(WEXITSTATUS(m_status));
}

} // namespace kinora::core

#include "app/cli/interrupt.h"

#include "app/cli/exit_code.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace kinora::app {
namespace {

sigset_t watchedSignals() {
    sigset_t set;
    sigemptyset(&set);
    for (int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
    return set;
}

} // namespace

InterruptWatch::InterruptWatch(std::function<void()> beforeEnd)
    : m_beforeEnd(std::move(beforeEnd)) {
    const sigset_t set = watchedSignals();
    // Threads made from here on inherit the mask: only the descriptor sees these signals.
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    m_signals = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    m_stop = ::eventfd(0, EFD_CLOEXEC);
    if (m_signals < 0 || m_stop < 0) { // out of descriptors: the signals end the program as usual
        pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
        return;
    }
    m_thread = std::thread([this] { watch(); });
}

InterruptWatch::~InterruptWatch() {
    if (m_thread.joinable()) {
        ::eventfd_write(m_stop, 1);
        m_thread.join();
    }
    if (m_signals >= 0) ::close(m_signals);
    if (m_stop >= 0) ::close(m_stop);
    const sigset_t set = watchedSignals();
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void InterruptWatch::setHandler(std::function<void()> handler) {
    const std::lock_guard lock(m_mutex);
    m_handler = std::move(handler);
}

bool InterruptWatch::interrupted() const {
    const std::lock_guard lock(m_mutex);
    return m_interrupted;
}

void InterruptWatch::watch() {
    while (true) {
        std::array<pollfd, 2> waits{{{m_signals, POLLIN, 0}, {m_stop, POLLIN, 0}}};
        if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) return;
        if (waits[1].revents != 0) return;
        signalfd_siginfo info{};
        if (::read(m_signals, &info, sizeof(info)) == sizeof(info)) received();
    }
}

void InterruptWatch::received() {
    std::function<void()> handler;
    {
        const std::lock_guard lock(m_mutex);
        if (!m_interrupted && !m_handler && m_beforeEnd) m_beforeEnd();
        if (m_interrupted || !m_handler) ::_exit(kExitInterrupted);
        m_interrupted = true;
        handler = m_handler;
    }
    handler();
}

} // namespace kinora::app

#include "app/models/queue_runner.h"

#include <algorithm>
#include <utility>

namespace kinora::app {

QueueRunner::QueueRunner(core::Engine& engine, Options options)
    : m_engine(engine), m_options(std::move(options)), m_thread([this] { run(); }) {}

QueueRunner::~QueueRunner() {
    stop(core::DispatcherStop::Now);
    m_thread.join();
}

void QueueRunner::stop(core::DispatcherStop stop) {
    const std::lock_guard lock(m_mutex);
    m_stop = std::max(m_stop, stop);
    if (m_dispatcher) m_dispatcher->stop(m_stop);
    m_changed.notify_all();
}

void QueueRunner::wake() {
    const std::lock_guard lock(m_mutex);
    m_awake = true;
    if (m_dispatcher) m_dispatcher->wake();
    m_changed.notify_all();
}

void QueueRunner::setPower(core::PowerWatch::Options power) {
    const std::lock_guard lock(m_mutex);
    m_options.power = power;
    if (m_dispatcher) m_dispatcher->setPower(std::move(power));
}

void QueueRunner::run() {
    while (const std::optional<QueueStanding> next = work()) waitAfter(*next);
    tell(QueueStanding::Ended);
}

std::optional<QueueStanding> QueueRunner::work() {
    {
        const std::lock_guard lock(m_mutex);
        if (m_stop != core::DispatcherStop::No) return std::nullopt;
        m_awake = false;
    }
    auto opened = core::Dispatcher::open(m_options.dataFolder, m_engine, dispatcherOptions());
    if (!opened && opened.error().code() == ErrorCode::Busy) {
        tell(QueueStanding::Watches);
        return QueueStanding::Watches;
    }
    if (!opened) {
        tell(QueueStanding::StandsStill, opened.error());
        return QueueStanding::StandsStill;
    }
    {
        const std::lock_guard lock(m_mutex);
        m_dispatcher = *std::move(opened);
        m_dispatcher->stop(m_stop);
        m_dispatcher->setPower(m_options.power);
    }
    tell(QueueStanding::Works);
    const Result<void> ended = m_dispatcher->run();
    {
        const std::lock_guard lock(m_mutex);
        m_dispatcher.reset(); // lets go of the queue
        if (m_stop != core::DispatcherStop::No) return std::nullopt;
    }
    if (!ended) tell(QueueStanding::StandsStill, ended.error());
    return QueueStanding::StandsStill;
}

core::Dispatcher::Options QueueRunner::dispatcherOptions() {
    const std::lock_guard lock(m_mutex);
    core::Dispatcher::Options options;
    options.whenEmpty = core::Dispatcher::WhenEmpty::Wait;
    options.listener = m_options.listener;
    options.power = m_options.power;
    options.previewEvery = 1;
    return options;
}

void QueueRunner::waitAfter(QueueStanding standing) {
    std::unique_lock lock(m_mutex);
    const auto stopped = [this] { return m_stop != core::DispatcherStop::No; };
    if (standing == QueueStanding::StandsStill)
        m_changed.wait(lock, [&] { return stopped() || m_awake; });
    else
        m_changed.wait_for(lock, m_options.askEvery, stopped);
}

void QueueRunner::tell(QueueStanding standing, std::optional<Error> error) {
    // Once for each time that it changes; a second failure is news.
    if (standing == std::exchange(m_told, standing) && !error) return;
    m_options.standing({standing, std::move(error)});
}

} // namespace kinora::app

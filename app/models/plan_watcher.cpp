#include "app/models/plan_watcher.h"

#include "app/models/background.h"

namespace kinora::app {

constexpr int kSettleMilliseconds = 150;

PlanWatcher::PlanWatcher(core::Engine& engine, QObject* parent)
    : QObject(parent), m_engine(engine) {
    m_pool.setMaxThreadCount(1);
    m_timer.setSingleShot(true);
    m_timer.setInterval(kSettleMilliseconds);
    connect(&m_timer, &QTimer::timeout, this, &PlanWatcher::ask);
}

PlanWatcher::~PlanWatcher() {
    m_pool.waitForDone();
}

void PlanWatcher::watch(const pipelines::ImageRequest& request) {
    m_request = request;
    ++m_asked;
    m_timer.start();
}

void PlanWatcher::ask() {
    if (m_running) { // one question at a time; the newest is asked when the answer is here
        m_again = true;
        return;
    }
    m_running = true;
    runInBackground(
        m_pool, this, [&engine = m_engine, request = m_request] { return engine.plan(request); },
        [this, asked = m_asked](Result<pipelines::Plan> plan) {
            m_running = false;
            if (asked == m_asked) emit planned(plan);
            if (std::exchange(m_again, false)) ask();
        });
}

} // namespace kinora::app

#pragma once
// Asks the engine what the request would cost, a moment after it stopped changing, off the UI
// thread. UI thread only.

#include "core/engine/engine.h"

#include <QObject>
#include <QThreadPool>
#include <QTimer>

namespace kinora::app {

class PlanWatcher : public QObject {
    Q_OBJECT
  public:
    explicit PlanWatcher(core::Engine& engine, QObject* parent = nullptr);
    ~PlanWatcher() override;

    void watch(const pipelines::ImageRequest& request);

  signals:
    // Of the last request watched; answers to older ones are dropped.
    void planned(const Result<kinora::pipelines::Plan>& plan);

  private:
    void ask();

    core::Engine& m_engine;
    QThreadPool m_pool; // one thread
    QTimer m_timer;
    pipelines::ImageRequest m_request;
    int m_asked = 0;
    bool m_running = false;
    bool m_again = false;
};

} // namespace kinora::app

#pragma once
// Work off the UI thread whose result comes back to it as a value.
//
//     runInBackground(m_pool, this, [path] { return core::loadImage(path); },
//                     [this](Result<core::Image> image) { show(image); });

#include <QMetaObject>
#include <QObject>
#include <QThreadPool>

#include <memory>
#include <utility>

namespace kinora::app {

// work: on a thread of the pool, must not throw. done: on the receiver's thread. The pool must be
// finished (waitForDone) before the receiver goes.
template <typename Work, typename Done>
void runInBackground(QThreadPool& pool, QObject* receiver, Work work, Done done) {
    pool.start([receiver, work = std::move(work), done = std::move(done)]() mutable {
        // Shared: a queued call wants a copyable functor, results may be movable only.
        auto result = std::make_shared<decltype(work())>(work());
        QMetaObject::invokeMethod(
            receiver, [result, done = std::move(done)]() mutable { done(std::move(*result)); },
            Qt::QueuedConnection);
    });
}

} // namespace kinora::app

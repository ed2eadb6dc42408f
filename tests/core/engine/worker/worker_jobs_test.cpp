#include "core/engine/worker/worker_jobs.h"

#include <QTest>

#include <thread>

using namespace kinora;
using namespace kinora::core;
using Taker = WorkerJobs::Taker;

namespace {

std::shared_ptr<WorkerJob> job(JobId id) {
    auto made = std::make_shared<WorkerJob>();
    made->id = id;
    return made;
}

} // namespace

class WorkerJobsTest : public QObject {
    Q_OBJECT

  private slots:
    void givesThemInTheirOrder() {
        WorkerJobs jobs;
        for (const JobId id : {1, 2, 3}) jobs.add(job(id));
        jobs.putBack(job(9)); // its worker was lost: it was there first
        QVERIFY(jobs.remove(2));
        QVERIFY(!jobs.remove(2));
        for (const JobId id : {9, 1, 3}) QCOMPARE(jobs.take({}, takes)->id, id);
        jobs.add(job(4));
        QCOMPARE(jobs.removeAll().size(), size_t{1});
        QVERIFY(!jobs.remove(4));
    }

    void wakesWhoWaits() {
        WorkerJobs jobs;
        std::atomic<bool> lost = false;
        std::atomic<int> ended = 0;
        const auto waiter = [&](const std::stop_token& stop) {
            const auto taker = [&] { return lost ? Taker::GivesUp : Taker::Takes; };
            if (!jobs.take(stop, taker)) ++ended;
        };
        std::jthread first(waiter), second(waiter);
        first.request_stop();
        first.join();
        QCOMPARE(ended.load(), 1);
        lost = true;
        jobs.wake();
        second.join();
        QCOMPARE(ended.load(), 2);
    }

    void leavesAJobToWhoTakesIt() {
        WorkerJobs jobs;
        jobs.add(job(1));
        std::jthread off([&](const std::stop_token& stop) {
            (void)jobs.take(stop, [] { return Taker::Waits; });
        });
        QCOMPARE(jobs.take({}, takes)->id, JobId{1});
    }

  private:
    static Taker takes() { return Taker::Takes; }
};

QTEST_GUILESS_MAIN(WorkerJobsTest)
#include "worker_jobs_test.moc"

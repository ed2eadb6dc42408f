#include "core/project/project_document.h"
#include "core/project/project_lock.h"
#include "tests/support/temporary_folder.h"

#include <QTest>
#include <nlohmann/json.hpp>

#include <thread>
#include <vector>

using namespace kinora;
using namespace kinora::core;
using namespace std::chrono_literals;

namespace fs = std::filesystem;

class ProjectLockTest : public QObject {
    Q_OBJECT

  private slots:
    void anotherWaitsAndThenGivesUp() {
        const test::TemporaryFolder folder;
        const fs::path path = folder.write("p.kinora", ProjectDocument().text());
        {
            const auto held = ProjectLock::take(path);
            QVERIFY(held);
            const auto second = ProjectLock::take(path, 50ms);
            QVERIFY(!second);
            QVERIFY(second.error().code() == ErrorCode::Busy);
        }
        QVERIFY(ProjectLock::take(path, 50ms));
        const auto missing = ProjectLock::take(folder.path() / "q.kinora");
        QVERIFY(!missing);
        QVERIFY(missing.error().code() == ErrorCode::NotFound);
    }

    // Each save puts another file under the name, on which those that wait have no lock.
    void manyAtOnceLoseNothing() {
        constexpr int kThreads = 4, kBatches = 10;
        const test::TemporaryFolder folder;
        const fs::path path = folder.write("p.kinora", ProjectDocument().text());
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < kThreads; ++thread)
            threads.emplace_back([&path, thread] {
                for (int i = 0; i < kBatches; ++i) {
                    const auto lock = ProjectLock::take(path);
                    auto project = ProjectDocument::load(path);
                    const std::string name = std::to_string(thread) + "-" + std::to_string(i);
                    if (!lock || !project || !project->addBatch({{"name", name}})) return;
                    (void)project->save(path, ProjectDocument::Overwrite::Yes).ok();
                }
            });
        threads.clear();
        QCOMPARE(ProjectDocument::load(path)->batches().size(), size_t{kThreads * kBatches});
    }
};

QTEST_GUILESS_MAIN(ProjectLockTest)
#include "project_lock_test.moc"

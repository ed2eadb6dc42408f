#pragma once
// A queue in a folder of its own, and jobs for it.

#include "core/queue/queue_store.h"
#include "tests/support/temporary_folder.h"

#include <QTest>

#include <string>

namespace kinora::core::testing {

struct QueueSample {
    test::TemporaryFolder folder;

    std::filesystem::path data() const { return folder.path() / "data"; }
    std::filesystem::path pictures() const { return folder.path() / "pictures"; }
    QueueStore open() const {
        Result<QueueStore> store = QueueStore::open(data());
        if (!store) throw store.error();
        return *std::move(store);
    }

    // Pictures go to pictures/PROMPT-INDEX.png.
    NewJob job(const std::string& prompt, int64_t count = 1) const {
        NewJob job;
        job.request.prompt = prompt;
        job.request.seed = static_cast<int64_t>(std::hash<std::string>()(prompt) % 1000000);
        job.request.count = count;
        for (int64_t i = 0; i < count; ++i)
            job.paths.push_back(pictures() / (prompt + "-" + std::to_string(i) + ".png"));
        return job;
    }
    QueueJobId add(QueueStore& store, const std::string& prompt, int64_t count = 1) const {
        return add(store, job(prompt, count));
    }
    QueueJobId add(QueueStore& store, const NewJob& job) const {
        const Result<QueueJobId> id = store.add(job);
        if (!id) throw id.error();
        return *id;
    }
};

inline JobState stateOf(QueueStore& store, QueueJobId id) {
    const Result<QueueJob> job = store.find(id);
    if (!job) throw job.error();
    return job->state;
}

inline std::vector<QueueItem> itemsOf(QueueStore& store, QueueJobId id) {
    const Result<std::vector<QueueItem>> items = store.items(id);
    if (!items) throw items.error();
    return *items;
}

inline std::vector<std::string> titles(QueueStore& store, const JobFilter& filter = {}) {
    const Result<std::vector<QueueJob>> jobs = store.list(filter);
    if (!jobs) throw jobs.error();
    std::vector<std::string> titles;
    for (const QueueJob& job : *jobs) titles.push_back(job.title);
    return titles;
}

// The code of a call that must have failed.
template <typename T> ErrorCode codeOf(const Result<T>& result) {
    return result ? throw std::runtime_error("it did not fail") : result.error().code();
}

} // namespace kinora::core::testing

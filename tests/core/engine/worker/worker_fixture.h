#pragma once
// The real engine of worker processes, run by the real program, on the models of the source tree.
//
//     WorkerFixture fixture;
//     auto engine = fixture.engine(2);
//     Job job;
//     engine->submit(fixture.redApple(), job.sink());
//     QVERIFY(job.waitForEnd());

#include "core/engine/worker/worker_engine.h"
#include "tests/core/engine/job_events.h"

#include <QTemporaryDir>
#include <QTest>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <sys/wait.h>
#include <vector>

namespace kinora::core {

// Under ThreadSanitizer a worker computes some twenty times slower: what is looked for there are
// races, which small pictures and few jobs have too.
#ifdef __SANITIZE_THREAD__
inline constexpr bool kSlow = true;
#else
inline constexpr bool kSlow = false;
#endif

class WorkerFixture {
  public:
    WorkerFixture() {
        qputenv("XDG_RUNTIME_DIR", m_folder.path().toUtf8());
        // Of workers under sanitizers: a crash is a crash, and freed memory is given back.
        qputenv("ASAN_OPTIONS", qgetenv("ASAN_OPTIONS") + ":handle_segv=0:quarantine_size_mb=1");
        qputenv("TSAN_OPTIONS", qgetenv("TSAN_OPTIONS") + ":handle_segv=0");
    }

    std::filesystem::path folder() const { return m_folder.path().toStdString(); }
    static std::string program() { return KINORA_BINARY_DIR "/bin/kinora"; }

    // What the program answers on both outputs, and its exit code. Not by QProcess: that makes its
    // child with clone(CLONE_VM), which ThreadSanitizer takes for a fork of this process. From then
    // on it neither sees which locks this thread takes nor lets new threads be watched.
    struct Answer {
        std::string text;
        int exitCode = -1;
    };
    static Answer run(const std::string& arguments) {
        Answer answer;
        FILE* output = ::popen(("'" + program() + "' " + arguments + " 2>&1").c_str(), "r");
        if (!output) return answer;
        for (int c = std::fgetc(output); c != EOF; c = std::fgetc(output))
            answer.text += static_cast<char>(c);
        const int status = ::pclose(output);
        if (WIFEXITED(status)) answer.exitCode = WEXITSTATUS(status);
        return answer;
    }

    // What the program says that it is: workers and studio must be of one build.
    static std::string engineVersion() {
        const std::string answer = run("--version").text;
        return answer.substr(0, answer.find('\n'));
    }

    WorkerEngineOptions options(int workers) const {
        static const std::string version = engineVersion();
        WorkerEngineOptions options;
        options.program = program();
        options.arguments = {"--data", folder().string()};
        options.workers = workers;
        options.threads = workers; // one each: the machine has others to serve
        options.engineVersion = version;
        return options;
    }
    std::unique_ptr<WorkerEngine> engine(int workers) const {
        return std::make_unique<WorkerEngine>(options(workers));
    }

    static pipelines::ImageRequest redApple(int64_t steps = 6) {
        pipelines::ImageRequest request;
        request.prompt = "3d emoji of a red apple";
        request.seed = 1;
        request.steps = steps;
        if (kSlow) request.width = request.height = 64;
        return request;
    }

  private:
    QTemporaryDir m_folder;
};

// Process ids of the workers that there are at the moment.
inline std::vector<int> processIds(const Engine& engine) {
    std::vector<int> ids;
    for (const WorkerStatus& worker : engine.workers())
        if (worker.processId > 0) ids.push_back(worker.processId);
    return ids;
}

} // namespace kinora::core

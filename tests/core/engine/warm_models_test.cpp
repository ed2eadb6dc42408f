// Which models stay loaded between the jobs of a real engine.
#include "core/engine/in_process_engine.h"
#include "core/engine/warm_models.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/meta/meta_backend.h"

#include <QTemporaryDir>
#include <QTest>

#include <filesystem>
#include <future>

using namespace kinora;
using namespace kinora::core;

namespace {

constexpr const char* kStarter = KINORA_SOURCE_DIR "/resources/models/starter-image";
constexpr const char* kOther = KINORA_SOURCE_DIR "/tests/golden/data/tiny-odd";

InProcessEngine::Options oneThread() {
    InProcessEngine::Options options;
    options.threads = 1;
    return options;
}

// Whether a picture of this model had to read weights first.
bool loads(Engine& engine, const std::string& model) {
    pipelines::ImageRequest request;
    request.model = model;
    request.seed = 1;
    request.steps = 1;
    request.width = request.height = 32;
    std::promise<std::pair<std::string, bool>> end; // why it failed; whether it loaded
    bool loaded = false;
    engine.submit(request, [&](const EngineEvent& event) {
        loaded = loaded || std::holds_alternative<LoadingEvent>(event);
        if (const auto* failed = std::get_if<FailedEvent>(&event))
            end.set_value({failed->error.what(), loaded});
        if (std::holds_alternative<FinishedEvent>(event)) end.set_value({"", loaded});
    });
    const auto [failure, read] = end.get_future().get();
    if (!failure.empty()) QTest::qFail(failure.c_str(), __FILE__, __LINE__);
    return read;
}

} // namespace

class WarmModelsTest : public QObject {
    Q_OBJECT

  private slots:
    void initTestCase() {
        m_backends.add(kernels::cpuBackend());
        static const kernels::BackendTable plan = kernels::cpuPlanBackend(kernels::metaBackend());
        m_backends.add(plan);
        m_library = std::make_unique<ModelLibrary>(
            ModelLibrary::Options{{}, m_folder.path().toStdString()});
    }

    void keepsTwoWhereThereIsRoom() {
        InProcessEngine engine(m_backends, *m_library, oneThread());
        QVERIFY(loads(engine, kStarter));
        QVERIFY(loads(engine, kOther));
        QVERIFY(!loads(engine, kStarter));
        QVERIFY(!loads(engine, kOther));
    }

    // A limit that holds the run of one and little more.
    void givesUpTheOneUsedLongestAgo() {
        InProcessEngine::Options options = oneThread();
        QVERIFY(
            loads(*std::make_unique<InProcessEngine>(m_backends, *m_library, options), kStarter));
        {
            InProcessEngine engine(m_backends, *m_library, options);
            pipelines::ImageRequest request;
            request.model = kStarter;
            request.width = request.height = 32;
            options.memoryLimitBytes = engine.plan(request)->peakBytes + (32 << 20);
        }
        const std::filesystem::path twin = m_folder.filePath("twin").toStdString();
        std::filesystem::copy(kStarter, twin, std::filesystem::copy_options::recursive);
        InProcessEngine engine(m_backends, *m_library, options);
        QVERIFY(loads(engine, twin));
        QVERIFY(loads(engine, kStarter)); // its twin's memory is needed
        QVERIFY(!loads(engine, kStarter));
        QVERIFY(loads(engine, twin));
    }

    void readsAModelAgainThatHasChanged() {
        const std::filesystem::path copy = m_folder.filePath("copy").toStdString();
        std::filesystem::copy(kOther, copy, std::filesystem::copy_options::recursive);
        InProcessEngine engine(m_backends, *m_library, oneThread());
        QVERIFY(loads(engine, copy));
        QVERIFY(!loads(engine, copy));
        std::filesystem::last_write_time(copy / "unet/diffusion_pytorch_model.safetensors",
                                         std::filesystem::file_time_type::clock::now() +
                                             std::chrono::hours(1));
        QVERIFY(loads(engine, copy));
    }

  private:
    QTemporaryDir m_folder;
    kernels::BackendRegistry m_backends;
    std::unique_ptr<ModelLibrary> m_library;
};

QTEST_GUILESS_MAIN(WarmModelsTest)
#include "warm_models_test.moc"

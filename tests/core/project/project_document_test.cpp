#include "core/project/project_document.h"
#include "tests/app/cli/event_schema.h"
#include "tests/support/temporary_folder.h"

#include <QElapsedTimer>
#include <QTest>
#include <nlohmann/json.hpp>

#include <fstream>
#include <sstream>

using namespace kinora;
using namespace kinora::core;
using nlohmann::ordered_json;

namespace {

ordered_json small() {
    return ordered_json::parse(R"({
        "format": "kinora-project", "version": 1,
        "settings": {"steps": 8, "cfg": 3},
        "prompts": [{"name": "hero", "prompt": "a fox", "negative": "blur"}],
        "batches": [
            {"name": "base", "settings": {"cfg": 5, "sampler": "euler"}},
            {"name": "first", "basedOn": "base", "settings": {"width": 64},
             "rows": [{"request": {"prompt": "a", "seed": 10, "count": 3}},
                      {"use": "hero", "request": {"steps": 4}}]},
            {"name": "second", "rows": [{"request": {"prompt": "b"}}]}]})");
}

Result<ProjectDocument> parsed(const ordered_json& json) {
    return ProjectDocument::parse(json.dump(), "p.kinora");
}

std::string problemOf(const ordered_json& json) {
    const auto project = parsed(json);
    if (project) return "";
    return std::string(errorCodeName(project.error().code())) + ": " + project.error().message();
}

} // namespace

class ProjectDocumentTest : public QObject {
    Q_OBJECT

  private slots:
    void aLongChainOfBatchesIsReadAtOnce() {
        constexpr int kBatches = 20'000;
        nlohmann::ordered_json json = ProjectDocument().json();
        json["batches"] = nlohmann::ordered_json::array();
        for (int i = 0; i < kBatches; ++i)
            json["batches"].push_back({{"name", std::to_string(i)}, {"settings", {{"steps", 7}}}});
        for (int i = 0; i + 1 < kBatches; ++i)
            json["batches"][static_cast<size_t>(i)]["basedOn"] = std::to_string(i + 1);
        json["batches"].back()["settings"] = {{"width", 128}};
        json["batches"].front()["rows"] = {{{"request", {{"prompt", "a"}}}}};
        QElapsedTimer timer;
        timer.start();
        const auto project = ProjectDocument::parse(json.dump(), "p");
        QVERIFY2(project, project ? "" : project.error().what());
        QVERIFY2(timer.elapsed() < 5000, std::to_string(timer.elapsed()).c_str());
        const auto task = project->task(0);
        QVERIFY(task);
        QCOMPARE(*task->request.width, int64_t{128});
        QCOMPARE(*task->request.steps, int64_t{7});
    }

    void tasksAreNumberedAndFilledFromTheFileAlone() {
        const auto project = parsed(small());
        QVERIFY2(project, problemOf(small()).c_str());
        QCOMPARE(project->taskCount(), int64_t{5});
        const auto third = project->task(2);
        QVERIFY(third);
        QCOMPARE(third->batch, std::string("first"));
        QCOMPARE(third->row, int64_t{0});
        QCOMPARE(third->picture, int64_t{2});
        QCOMPARE(*third->request.seed, int64_t{12});
        QCOMPARE(third->request.count, int64_t{1});
        QCOMPARE(*third->request.steps, int64_t{8}); // the project's
        QCOMPARE(*third->request.cfg, 5.0);          // what the batch is based on
        QCOMPARE(*third->request.sampler, std::string("euler"));
        QCOMPARE(*third->request.width, int64_t{64}); // the batch's
        const auto hero = project->task(3);
        QCOMPARE(hero->request.prompt, std::string("a fox"));
        QCOMPARE(hero->request.negative, std::string("blur"));
        QCOMPARE(*hero->request.steps, int64_t{4}); // the row's
        QCOMPARE(*hero->request.seed, int64_t{3});  // none is said: the number
        const auto last = project->task(4);
        QCOMPARE(*last->request.cfg, 3.0);
        QVERIFY(!last->request.sampler);
        QVERIFY(!project->task(5));
        QVERIFY(!project->task(-1));
    }

    void unknownFieldsSurviveAtEveryLevel() {
        ordered_json json = small();
        json["mood"] = {{"deep", {1, 2, {{"deeper", nullptr}}}}};
        json["settings"]["sharpness"] = 7;
        json["prompts"][0]["colour"] = "red";
        json["models"] = {{{"name", "m"}, {"licence", "x"}}};
        json["shots"] = {{{"name", "s"}, {"lens", 50}}};
        json["batches"][1]["tag"] = true;
        json["batches"][1]["rows"][0]["stars"] = 5;
        json["batches"][1]["rows"][0]["request"]["sparkle"] = "y";
        auto project = parsed(json);
        QVERIFY2(project, problemOf(json).c_str());
        QVERIFY(ordered_json::parse(project->text()) == json);
        QVERIFY(project->setSetting("steps", "9"));
        json["settings"]["steps"] = 9;
        QVERIFY(ordered_json::parse(project->text()) == json);
        const auto again = ProjectDocument::parse(project->text(), "again");
        QVERIFY(again);
        QCOMPARE(again->text(), project->text());
        // Kept, told, and not passed over in silence.
        QCOMPARE(project->warnings().size(), size_t{3});
        QVERIFY(!project->task(0));
        QVERIFY(project->task(0).error().message().find("sparkle") != std::string::npos);
        QVERIFY(project->task(4));
    }

    void newerVersionsOpenForLookingAlone() {
        ordered_json json = small();
        json["version"] = 2;
        auto project = parsed(json);
        QVERIFY(project);
        QVERIFY(!project->readOnlyReason().empty());
        QCOMPARE(project->taskCount(), int64_t{5});
        QVERIFY(!project->setSetting("steps", "9"));
        const test::TemporaryFolder folder;
        QVERIFY(!project->save(folder.path() / "x.kinora", ProjectDocument::Overwrite::Yes));
        QVERIFY(!std::filesystem::exists(folder.path() / "x.kinora"));
    }

    void savingReplacesOnlyWhenAsked() {
        const test::TemporaryFolder folder;
        const auto path = folder.path() / "p.kinora";
        const auto project = parsed(small());
        QVERIFY(project->save(path, ProjectDocument::Overwrite::No));
        QVERIFY(!project->save(path, ProjectDocument::Overwrite::No));
        QVERIFY(project->save(path, ProjectDocument::Overwrite::Yes));
        const auto loaded = ProjectDocument::load(path);
        QVERIFY(loaded);
        QVERIFY(loaded->json() == project->json());
    }

    void refusesWhatIsWrong_data() {
        QTest::addColumn<QString>("pointer");
        QTest::addColumn<QString>("value");
        QTest::addColumn<QString>("message");
        const auto row = [](const char* pointer, const char* value, const char* message) {
            QTest::newRow(pointer) << QString(pointer) << QString(value) << QString(message);
        };
        row("/format", "\"zip\"", "not a project");
        row("/version", "0", "version");
        row("/version", "\"1\"", "version");
        row("/settings", "[]", "settings is not an object");
        row("/settings/steps", "\"many\"", "settings.steps");
        row("/settings/steps", "99999", "settings.steps");
        row("/settings/latents", "\"../../etc/passwd\"", "settings.latents");
        row("/settings/latents", "\"asset:../x\"", "settings.latents");
        row("/settings/controlImage", "[\"../../etc/passwd\"]", "settings.controlImage");
        row("/settings/model", "\"/home/ada/m.safetensors\"", "settings.model is a path");
        row("/settings/lora", "[\"../x/style:0.5\"]", "LoRA is a path");
        row("/output", "{\"format\": \"xls\"}", "output.format");
        row("/models", "{}", "models is not a list");
        row("/models", "[{\"name\": \"a\", \"hash\": \"sha256:1\"}]", "models[0].hash");
        row("/models", "[{\"name\": \"a\"}, {\"name\": \"a\"}]", "models[1].name is there twice");
        row("/prompts/0/prompt", "7", "prompts[0].prompt");
        row("/batches", "7", "batches is not a list");
        row("/batches/0", "null", "batches[0] is not an object");
        row("/batches/0/name", "\"\"", "batches[0].name is empty");
        row("/batches/0/name", "\"first\"", "'first' is there twice");
        row("/batches/0/basedOn", "\"first\"", "leads back to itself");
        row("/batches/0/basedOn", "\"nowhere\"", "which is not there");
        row("/batches/1/rows", "{}", "batches[1].rows is not a list");
        row("/batches/1/rows/0", "[]", "batches[1].rows[0] is not an object");
        row("/batches/1/rows/0/request/seed", "-1", "batches[1].rows[0].request.seed");
        row("/batches/1/rows/0/request/seed", "1e300", "batches[1].rows[0].request.seed");
        row("/batches/1/rows/1/use", "\"villain\"", "there is no prompt 'villain'");
        row("/batches/1/grid", "{\"axes\": []}", "grid.axes");
        row("/batches/1/grid", "{\"axes\": [{\"parameter\": \"mood\", \"values\": [\"1\"]}]}",
            "grid.axes[0].parameter");
        row("/shots",
            "[{\"name\": \"a\", \"follows\": \"b\"}, {\"name\": \"b\", \"follows\": \"a\"}]",
            "leads back to itself");
    }
    void refusesWhatIsWrong() {
        QFETCH(QString, pointer);
        QFETCH(QString, value);
        QFETCH(QString, message);
        ordered_json json = small();
        json[ordered_json::json_pointer(pointer.toStdString())] =
            ordered_json::parse(value.toStdString());
        const QString problem = QString::fromStdString(problemOf(json));
        QVERIFY2(problem.startsWith("bad-file: p.kinora: "), qPrintable(problem));
        QVERIFY2(problem.contains(message), qPrintable(problem));
    }

    void everyTruncationIsRefused() {
        const std::string text = parsed(small())->text();
        for (size_t size = 0; size + 2 < text.size(); ++size)
            QVERIFY(!ProjectDocument::parse(text.substr(0, size), "cut"));
    }

    void deepNestingAndTooManyTasksAreRefused() {
        QVERIFY(!ProjectDocument::parse(std::string(100'000, '['), "deep"));
        std::string deep = R"({"format":"kinora-project","version":1,"x":)";
        deep += std::string(5000, '[') + std::string(5000, ']') + "}";
        QVERIFY(!ProjectDocument::parse(deep, "deep"));
        ordered_json json = small();
        for (int i = 0; i < 101; ++i)
            json["batches"][2]["rows"].push_back({{"request", {{"count", 10'000}}}});
        QVERIFY(problemOf(json).find("more than 1000000 tasks") != std::string::npos);
    }

    void aHundredThousandTasksLoadInSeconds() {
        ordered_json json = small();
        ordered_json& rows = json["batches"][2]["rows"];
        for (int i = 0; i < 100'000; ++i)
            rows.push_back({{"request", {{"prompt", "fox " + std::to_string(i)}, {"seed", i}}}});
        const std::string text = json.dump();
        QElapsedTimer timer;
        timer.start();
        const auto project = ProjectDocument::parse(text, "large");
        QVERIFY(project);
        QCOMPARE(project->taskCount(), int64_t{100'005});
        QCOMPARE(project->task(100'004)->request.prompt, std::string("fox 99999"));
        qInfo("100,000 tasks: %lld ms", static_cast<long long>(timer.elapsed()));
        QVERIFY(timer.elapsed() < 60'000); // a sanitizer's build is slow
    }

    void whatIsSavedFollowsTheSchema() {
        std::ifstream file(KINORA_SOURCE_DIR "/resources/schemas/project.schema.json");
        const auto schema = nlohmann::json::parse(file);
        const auto check = [&](const std::string& text) {
            return QString::fromStdString(
                app::disagreement(nlohmann::json::parse(text), schema, "project"));
        };
        QCOMPARE(check(ProjectDocument().text()), QString());
        QCOMPARE(check(parsed(small())->text()), QString());
        const auto example = ProjectDocument::load(
            KINORA_SOURCE_DIR "/resources/examples/forty-emoji/forty-emoji.kinora");
        QVERIFY(example);
        QCOMPARE(example->taskCount(), int64_t{40});
        QCOMPARE(check(example->text()), QString());
        QVERIFY(!check(R"({"format": "kinora-project", "version": 0})").isEmpty());
    }

    void rowsStandOnLinesOfTheirOwn() {
        const std::string text = parsed(small())->text();
        QVERIFY(text.find("\n    {\"request\":{\"prompt\":\"a\",\"seed\":10,\"count\":3}},\n") !=
                std::string::npos);
        QVERIFY(text.starts_with("{\n \"format\": \"kinora-project\",\n"));
    }
};

QTEST_GUILESS_MAIN(ProjectDocumentTest)
#include "project_document_test.moc"

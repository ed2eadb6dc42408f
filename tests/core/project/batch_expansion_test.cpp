#include "core/project/batch_expansion.h"
#include "core/project/project_document.h"
#include "tests/support/temporary_folder.h"

#include <QTest>
#include <nlohmann/json.hpp>

#include <set>

using namespace kinora;
using namespace kinora::core;
using nlohmann::ordered_json;

namespace {

BatchTable table(const std::string& csv) {
    Result<BatchTable> parsed = parseBatchTable(csv, ".csv");
    if (!parsed) throw parsed.error();
    return *parsed;
}

BatchOptions options(int64_t seed = 100) {
    BatchOptions options;
    options.name = "b";
    options.seed = seed;
    return options;
}

// The batch in a project: what its tasks are.
ProjectDocument projectOf(const std::string& csv, const BatchOptions& options) {
    const Result<ordered_json> batch = expandBatch(table(csv), options, AssetStore("nowhere"));
    if (!batch) throw batch.error();
    ProjectDocument project;
    if (auto added = project.addBatch(*batch); !added) throw added.error();
    return project;
}

std::string errorOf(const std::string& csv, const BatchOptions& options) {
    const Result<ordered_json> batch = expandBatch(table(csv), options, AssetStore("nowhere"));
    return batch ? "" : batch.error().message();
}

} // namespace

class BatchExpansionTest : public QObject {
    Q_OBJECT

  private slots:
    void isAPureFunction() {
        const test::TemporaryFolder folder;
        folder.write("animal.txt", "fox\nbear\ncat\ndog\n");
        BatchOptions chosen = options(5);
        chosen.wildcards = folder.path();
        chosen.count = 20;
        const std::string csv = "prompt\na {red|blue} __animal__\n";
        const std::string once = projectOf(csv, chosen).text();
        QCOMPARE(projectOf(csv, chosen).text(), once);
        // And the file holds what came of it: no wildcards are needed any more.
        std::filesystem::remove(folder.path() / "animal.txt");
        const auto project = ProjectDocument::parse(once, "again");
        QVERIFY(project);
        std::set<std::string> prompts;
        for (int64_t task = 0; task < project->taskCount(); ++task)
            prompts.insert(project->task(task)->request.prompt);
        QVERIFY(prompts.size() > 3 && prompts.size() <= 8);
        QVERIFY(once.find("__") == std::string::npos && once.find("{red") == std::string::npos);
        chosen.seed = 6;
        folder.write("animal.txt", "fox\nbear\ncat\ndog\n");
        QVERIFY(projectOf(csv, chosen).text() != once);
    }

    void seedsFollowOneAnother() {
        const ProjectDocument project =
            projectOf("prompt,seed,count\na,,2\nb,7,3\nc,,\n", options());
        QCOMPARE(project.taskCount(), int64_t{6});
        const int64_t expected[] = {100, 101, 7, 8, 9, 105};
        for (int64_t task = 0; task < 6; ++task)
            QCOMPARE(*project.task(task)->request.seed, expected[task]);
    }

    void allChoicesAreListed() {
        BatchOptions all = options();
        all.choices = PromptChoices::All;
        const ProjectDocument project = projectOf("prompt,negative\n{a|b} {c|d},{x|y}\n", all);
        QCOMPARE(project.taskCount(), int64_t{8});
        QCOMPARE(project.task(3)->request.prompt, std::string("a d"));
        QCOMPARE(project.task(3)->request.negative, std::string("y"));
    }

    void gridsVaryTheFirstAxisFastest() {
        BatchOptions grid = options();
        grid.grid = {*parseGridAxis("cfg=3,5"), *parseGridAxis("Steps=10,20,30"),
                     *parseGridAxis("sampler=ddim,euler")};
        const ProjectDocument project = projectOf("prompt\na\nb\n", grid);
        QCOMPARE(project.taskCount(), int64_t{24});
        const auto second = project.task(1)->request;
        QCOMPARE(*second.cfg, 5.0);
        QCOMPARE(*second.steps, int64_t{10});
        const auto later = project.task(12 + 6 + 3)->request;
        QCOMPARE(later.prompt, std::string("b"));
        QCOMPARE(*later.cfg, 5.0);
        QCOMPARE(*later.steps, int64_t{20});
        QCOMPARE(*later.sampler, std::string("euler"));
        QCOMPARE(*project.task(0)->request.seed, *project.task(11)->request.seed);
        QCOMPARE(*later.seed, int64_t{101});
        QCOMPARE(project.batches()[0].grid.size(), size_t{3});
        QCOMPARE(project.batches()[0].grid[1].parameter, std::string("steps"));
    }

    void axesAreReadAsListsAndRefused() {
        const auto axis = parseGridAxis("prompt=\"a, b\",c");
        QVERIFY(axis);
        QCOMPARE(axis->values[0], std::string("a, b"));
        for (const char* wrong : {"cfg", "mood=1", "=3", "count=1,2", "cfg=\"1"})
            QVERIFY2(!parseGridAxis(wrong), wrong);
        BatchOptions grid = options();
        grid.grid = {*parseGridAxis("cfg=3,many")};
        QVERIFY(errorOf("prompt\na\n", grid).find("line 2: cfg") != std::string::npos);
    }

    void settingsHoldWhereRowsSayNothing() {
        BatchOptions chosen = options();
        chosen.settings = {{"steps", "9"}, {"prompt", "a {x|y}"}, {"count", "2"}, {"seed", "50"}};
        const ProjectDocument project = projectOf("cfg,steps\n2,\n3,4\n", chosen);
        QCOMPARE(project.taskCount(), int64_t{4});
        QCOMPARE(*project.task(0)->request.steps, int64_t{9});
        QCOMPARE(*project.task(2)->request.steps, int64_t{4});
        QCOMPARE(*project.task(1)->request.seed, int64_t{51});
        QCOMPARE(*project.task(2)->request.seed, int64_t{50});
        const std::string prompt = project.task(3)->request.prompt;
        QVERIFY(prompt == "a x" || prompt == "a y");
    }

    void samplersMayBeNamedAsElsewhere() {
        BatchOptions chosen = options();
        chosen.settings = {{"sampler", "Euler a"}};
        chosen.grid = {{"cfg", {"3", "5"}}};
        const ProjectDocument project =
            projectOf("prompt,sampler,schedule\nfox,DPM++ 2M Karras,\nbear,,\n", chosen);
        const auto request = [&](int64_t task) { return project.task(task)->request; };
        QCOMPARE(request(0).sampler.value_or(""), std::string("dpmpp_2m"));
        QCOMPARE(request(1).schedule.value_or(""), std::string("karras"));
        QCOMPARE(request(2).sampler.value_or(""), std::string("euler_a"));
        QVERIFY(!request(2).schedule);
        chosen.grid = {{"sampler", {"Euler a", "DPM++ 2M Karras"}}};
        QCOMPARE(projectOf("prompt\nfox\n", chosen).task(1)->request.schedule.value_or(""),
                 std::string("karras"));
        QVERIFY(QString::fromStdString(
                    errorOf("prompt,sampler,schedule\nfox,DPM++ 2M Karras,beta\n", options()))
                    .contains("line 2: The sampler 'DPM++ 2M Karras' is with the schedule karras"));
    }

    void filesBecomeAssets() {
        const test::TemporaryFolder folder;
        folder.write("start.safetensors", "latents");
        const AssetStore assets(folder.path() / "p.assets");
        BatchOptions chosen = options();
        chosen.files = folder.path();
        const auto batch =
            expandBatch(table("prompt,latents\na,start.safetensors\n"), chosen, assets);
        QVERIFY2(batch, batch ? "" : batch.error().what());
        const std::string name = (*batch)["rows"][0]["request"]["latents"];
        QVERIFY(isAssetReference(name));
        QVERIFY(assets.find(name));
        QVERIFY(!expandBatch(table("prompt,latents\na,none.safetensors\n"), chosen, assets));
        folder.write("a.png", "one");
        const auto guided = expandBatch(
            table("prompt,control,control-image\na,canny;depth:0.5,a.png;start.safetensors\n"),
            chosen, assets);
        QVERIFY2(guided, guided ? "" : guided.error().what());
        const auto& steered = (*guided)["rows"][0]["request"];
        QCOMPARE(steered["control"][1].get<std::string>(), std::string("depth:0.5"));
        QCOMPARE(steered["controlImage"].size(), size_t{2});
        for (const auto& picture : steered["controlImage"])
            QVERIFY(assets.find(picture.get<std::string>()));
        // A LoRA called by its name stays so; one that is a file is kept.
        const auto loras = expandBatch(
            table("prompt,lora\na,style:0.5;./start.safetensors:0.8:1\n"), chosen, assets);
        QVERIFY2(loras, loras ? "" : loras.error().what());
        const auto list = (*loras)["rows"][0]["request"]["lora"];
        QCOMPARE(list[0].get<std::string>(), std::string("style:0.5"));
        QCOMPARE(list[1].get<std::string>(), name + ":0.8:1");
        ProjectDocument project;
        QVERIFY(project.addBatch(*loras));
        QCOMPARE(project.task(0)->request.loras.size(), size_t{2});
    }

    void errorsSayTheLine() {
        QCOMPARE(errorOf("prompt,steps\na,5\n\nb,many\n", options()),
                 std::string("line 4: steps: 'many' is not a whole number."));
        QVERIFY(errorOf("prompt\n{a\n", options()).starts_with("line 2: The prompt has a '{'"));
        QVERIFY(errorOf("prompt,width\na,13\n", options()).starts_with("line 2: width"));
        BatchOptions many = options();
        many.count = 10'000; // times 110
        many.grid = {*parseGridAxis("cfg=1,2,3,4,5,6,7,8,9,10"),
                     *parseGridAxis("steps=1,2,3,4,5,6,7,8,9,10,11")};
        std::string csv = "prompt\n";
        csv += "a\n";
        QVERIFY(errorOf(csv, many).find("more than a million") != std::string::npos);
    }
};

QTEST_GUILESS_MAIN(BatchExpansionTest)
#include "batch_expansion_test.moc"

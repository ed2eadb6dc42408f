#include "core/project/project_document.h"
#include "core/project/project_migration.h"

#include <QTest>
#include <nlohmann/json.hpp>

using namespace kinora::core;
using nlohmann::ordered_json;

class ProjectMigrationTest : public QObject {
    Q_OBJECT

  private slots:
    void stepsRunInOrderFromTheVersionThatIsThere() {
        const ProjectMigration steps[] = {
            [](ordered_json& project) {
                project["jobs"] = project.at("pictures");
                project.erase("pictures");
            },
            [](ordered_json& project) { project["rows"] = project.at("jobs"); }};
        ordered_json first = {{"version", 1}, {"pictures", {1, 2}}, {"kept", "x"}};
        QVERIFY(migrateProject(first, steps));
        QCOMPARE(first["version"].get<int>(), 3);
        QCOMPARE(first["rows"].size(), size_t{2});
        QVERIFY(!first.contains("pictures"));
        QCOMPARE(first["kept"].get<std::string>(), std::string("x"));
        ordered_json second = {{"version", 2}, {"jobs", {3}}};
        QVERIFY(migrateProject(second, steps));
        QCOMPARE(second["rows"][0].get<int>(), 3);
        ordered_json broken = {{"version", 1}};
        QVERIFY(!migrateProject(broken, steps));
        ordered_json newer = {{"version", 9}, {"odd", 1}};
        QVERIFY(migrateProject(newer, steps));
        QCOMPARE(newer["version"].get<int>(), 9);
    }

    void thereIsAStepForEveryOlderVersion() {
        QCOMPARE(static_cast<int64_t>(projectMigrations().size()) + 1, kProjectVersion);
    }

    void refusesWhatIsNoVersion() {
        for (const char* text : {"{}", R"({"version": "1"})", R"({"version": 0})",
                                 R"({"version": 1.5})", R"({"version": null})"}) {
            auto project = ordered_json::parse(text);
            QVERIFY2(!migrateProject(project, {}), text);
        }
    }
};

QTEST_GUILESS_MAIN(ProjectMigrationTest)
#include "project_migration_test.moc"
